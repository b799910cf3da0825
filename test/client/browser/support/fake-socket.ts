/** A WebSocket whose other end is in the page. */
import { PROTOCOL, type ServerMessage } from "../../../../shared/protocol.ts";
import { encodeValue } from "../../../../shared/value.ts";
import type { FakeServer, Subscription } from "./fake-server.ts";

/** One end of a connection: the part of WebSocket that a client can see. */
export class FakeSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly subscriptions = new Map<number, Subscription>();
  readonly url: string;
  readonly protocol: string;
  readonly bufferedAmount = 0;
  readyState = FakeSocket.CONNECTING;
  binaryType = "blob";
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readonly #server: FakeServer;

  constructor(server: FakeServer, url: string, protocols?: string | string[]) {
    super();
    this.#server = server;
    this.url = url;
    const offered = protocols === undefined ? [] : [protocols].flat();
    if (!offered.includes(PROTOCOL))
      throw new Error(`the client offered ${offered.join(", ")}, not ${PROTOCOL}`);
    this.protocol = PROTOCOL;
    queueMicrotask(() => server.open(this));
  }

  opened(): void {
    this.readyState = FakeSocket.OPEN;
    this.#tell("onopen", new Event("open"));
  }

  deliver(message: ServerMessage): void {
    const data = encodeValue(message);
    queueMicrotask(() => {
      if (this.readyState === FakeSocket.OPEN) this.#tell("onmessage", new MessageEvent("message", { data }));
    });
  }

  send(data: string): void {
    if (this.readyState !== FakeSocket.OPEN) throw new DOMException("not open", "InvalidStateError");
    queueMicrotask(() => {
      if (this.readyState === FakeSocket.OPEN) this.#server.receive(this, data);
    });
  }

  close(code = 1005, reason = ""): void {
    this.drop(code, reason);
  }

  drop(code: number, reason: string): void {
    if (this.readyState === FakeSocket.CLOSED) return;
    const wasConnecting = this.readyState === FakeSocket.CONNECTING;
    this.readyState = FakeSocket.CLOSED;
    this.#server.closed(this);
    queueMicrotask(() => {
      if (wasConnecting) this.#tell("onerror", new Event("error"));
      this.#tell("onclose", new CloseEvent("close", { code, reason, wasClean: code !== 1006 }));
    });
  }

  #tell(handler: "onopen" | "onmessage" | "onclose" | "onerror", event: Event): void {
    this.dispatchEvent(event);
    this[handler]?.(event as MessageEvent & CloseEvent);
  }
}

import { once } from "node:events";
import { WebSocket } from "ws";
import { decodeFrame, type Frame } from "../../shared/frame.ts";
import type { ClientMessageInput } from "../../shared/protocol.ts";
import { ServerMessage } from "../../shared/protocol.ts";

export type Op = ServerMessage["op"];
export type Of<O extends Op> = Extract<ServerMessage, { op: O }>;

/** What came, in order: every text frame checked against the schema, binary frames decoded. */
export type Received = ServerMessage | { readonly op: "binary"; readonly frame: Frame };

export interface ClientOptions {
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly protocols?: string[];
}

/** A client that keeps everything it was sent and can wait for more. Nothing polls: each frame wakes whoever waits. */
export class TestClient {
  readonly received: Received[] = [];
  readonly socket: WebSocket;
  closeCode: number | null = null;
  /** False: the frame is not kept. For those who are sent more than memory holds. */
  onReceived: (message: Received) => boolean = () => true;
  #read = 0;
  #wake: (() => void)[] = [];

  constructor(url: string, { token, headers = {}, protocols = ["thalweg.v1"] }: ClientOptions) {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.socket = new WebSocket(`${url.replace("http", "ws")}/v1/stream`, protocols, {
      headers: { ...authorization, ...headers },
      perMessageDeflate: false,
    });
    this.socket.binaryType = "arraybuffer";
    this.socket.on("message", (data, isBinary) => {
      const message = isBinary ? binary(data as ArrayBuffer) : ServerMessage.parse(JSON.parse(String(data)));
      if (this.onReceived(message)) this.received.push(message);
      this.#wakeAll();
    });
    this.socket.on("close", (code) => {
      this.closeCode = code;
      this.#wakeAll();
    });
    this.socket.on("error", () => {});
  }

  static async open(url: string, options: ClientOptions): Promise<TestClient> {
    const client = new TestClient(url, options);
    await once(client.socket, "open");
    await client.next("welcome");
    return client;
  }

  send(message: ClientMessageInput): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The next frame of this kind that has not been asked for; those before it stay in `received`. */
  async next<O extends Op>(op: O): Promise<Of<O>> {
    return (await this.nextWhere((message) => message.op === op)) as Of<O>;
  }

  async nextWhere(isWanted: (message: Received) => boolean): Promise<Received> {
    for (;;) {
      while (this.#read < this.received.length) {
        const message = this.received[this.#read++];
        if (message !== undefined && isWanted(message)) return message;
      }
      await this.#more("a frame");
    }
  }

  /** Waits until what has been received satisfies. */
  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await this.#more("more");
  }

  async closed(): Promise<number> {
    while (this.closeCode === null) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.closeCode;
  }

  /** Every sample of the subscription, text or binary, in the order received. */
  samples(id: number): { seq: number; channel: string; step: number; wallTimeMs: number; value: unknown }[] {
    let channels: readonly { name: string }[] = [];
    return this.received.flatMap((message) => {
      if (message.op === "subscribed" && message.id === id) channels = message.channels;
      if (message.op === "samples" && message.id === id) return message.samples;
      if (message.op !== "binary" || message.frame.subscription !== id) return [];
      const { seq, step, wallTimeMs, channel, payload } = message.frame;
      return [{ seq, channel: channels[channel]?.name ?? "?", step, wallTimeMs, value: payload }];
    });
  }

  /** A question whose answer tells that everything sent before has been answered. */
  async settle(): Promise<void> {
    const t = Math.random();
    this.send({ op: "ping", t });
    await this.nextWhere((message) => message.op === "pong" && message.t === t);
  }

  async close(): Promise<void> {
    if (this.closeCode !== null) return;
    this.socket.terminate();
    await this.closed();
  }

  async #more(what: string): Promise<void> {
    if (this.closeCode !== null)
      throw new Error(`waiting for ${what}: the socket closed with ${this.closeCode}`);
    await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

function binary(data: ArrayBuffer): Received {
  const frame = decodeFrame(data);
  if (frame === null) throw new Error("the server sent a binary frame that is none");
  return { op: "binary", frame };
}

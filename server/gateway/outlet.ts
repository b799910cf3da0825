/** The way out to one client: one writer at a time, and only while the client keeps up. */
import type { Writable } from "node:stream";
import type { WebSocket } from "ws";
import type { ServerMessage } from "../../shared/protocol.ts";
import { textFrame, type WireFrame } from "./wire-frame.ts";

/**
 * Whoever wants to send waits for a turn *before* it reads what it will send. So a client that does not read costs the
 * high-water mark and one writer's batch, however many subscriptions it has, and turns go round in the order asked for.
 */
export class Outlet {
  readonly #socket: WebSocket;
  readonly #connection: Writable;
  readonly #highWaterBytes: number;
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;
  #isClosed = false;
  /** Ever, whether or not the peer has taken them. */
  sentFrames = 0;
  /** Of which so many said that samples were left out. */
  sentGaps = 0;
  #sentBytes = 0;
  readonly #onTaken = () => this.#admit();

  /** @param connection  what `socket` itself writes to. */
  constructor(socket: WebSocket, connection: Writable, highWaterBytes: number) {
    this.#socket = socket;
    this.#connection = connection;
    this.#highWaterBytes = highWaterBytes;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** What the peer's kernel has taken of what was sent: a sign of life, whenever it grows. */
  get takenBytes(): number {
    return this.#sentBytes - this.bufferedBytes;
  }

  /** Does the client keep up? */
  get isReady(): boolean {
    return this.#socket.bufferedAmount < this.#highWaterBytes;
  }

  /** Does anybody wait for a turn? */
  get isWanted(): boolean {
    return this.#waiting.length > 0;
  }

  /** Could a turn begin at this moment? */
  get isFree(): boolean {
    return !this.#isTaken && !this.#isClosed && !this.isWanted && this.isReady;
  }

  /** Runs `write` when it is its turn; not at all once the socket is closed. Not reentrant. */
  async turn(write: () => void | Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#admit();
    });
    try {
      if (!this.#isClosed) await write();
    } finally {
      this.#isTaken = false;
      this.#admit();
    }
  }

  /**
   * Only within a turn, or in one go where one could begin. Past `ws`, which would make a header for each client and write it beside the
   * payload: without compression it keeps nothing back, so that the order holds.
   */
  send(frame: ServerMessage | WireFrame): void {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) return;
    const { bytes } = "op" in frame ? textFrame(JSON.stringify(frame)) : frame;
    // Nobody waits for a frame that leaves room, and to be told of it costs. Half: pongs take the rest.
    const isAwaited = this.bufferedBytes + bytes.byteLength >= this.#highWaterBytes / 2;
    this.sentFrames++;
    if ("op" in frame && frame.op === "gap") this.sentGaps++;
    this.#sentBytes += bytes.byteLength;
    this.#connection.write(bytes, isAwaited ? this.#onTaken : undefined);
  }

  /** Answers a ping where there is room: it may be asked again, and so a client that only asks costs nothing. */
  pong(data: Buffer): void {
    if (this.bufferedBytes < this.#highWaterBytes / 2) this.#socket.pong(data);
  }

  /** Lets everybody who waits go, with nothing sent. */
  close(): void {
    this.#isClosed = true;
    this.#admit();
  }

  #admit(): void {
    if (this.#isTaken || (!this.#isClosed && !this.isReady)) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#isTaken = true;
    next();
  }
}

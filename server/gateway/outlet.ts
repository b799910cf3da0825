/** The way out to one client: one writer at a time, and only while the client keeps up. */
import type { WebSocket } from "ws";
import type { ServerMessage } from "../../shared/protocol.ts";

/**
 * Whoever wants to send waits for a turn *before* it reads what it will send. So a client that does not read costs the
 * high-water mark and one writer's batch, however many subscriptions it has, and turns go round in the order asked for.
 */
export class Outlet {
  readonly #socket: WebSocket;
  readonly #highWaterBytes: number;
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;
  #isClosed = false;
  /** Bumped whenever the peer's kernel took a frame: a sign of life. */
  framesTaken = 0;

  constructor(socket: WebSocket, highWaterBytes: number) {
    this.#socket = socket;
    this.#highWaterBytes = highWaterBytes;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Does the client keep up? */
  get isReady(): boolean {
    return this.#socket.bufferedAmount < this.#highWaterBytes;
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

  /** Only within a turn. */
  send(frame: ServerMessage | string | Uint8Array): void {
    if (this.#isClosed) return;
    const data = typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame);
    this.#socket.send(data, () => {
      this.framesTaken++;
      this.#admit();
    });
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

import { EventEmitter } from "node:events";
import type { Writable } from "node:stream";
import { setImmediate as nextTurnOfTheLoop } from "node:timers/promises";
import type { WebSocket } from "ws";
import type { Clock } from "../../server/gateway/clock.ts";
import { systemClock } from "../../server/gateway/clock.ts";
import { Connection } from "../../server/gateway/connection.ts";
import type { Feeds } from "../../server/gateway/feeds.ts";
import type { Limits } from "../../server/gateway/limits.ts";
import { type GatewayLogger, silent } from "../../server/gateway/logger.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import type { Session } from "../../server/session/session.ts";
import { decodeFrame } from "../../shared/frame.ts";
import { type ClientMessageInput, ServerMessage } from "../../shared/protocol.ts";
import type { Received } from "./test-client.ts";

interface Frame {
  readonly data: Uint8Array;
  readonly isText: boolean;
}

interface Sent extends Frame {
  readonly onTaken: (() => void) | undefined;
}

/** The server's end of a WebSocket, whose other end reads when the test says so, and the client behind it. No network is involved. */
export class FakeSocket extends EventEmitter {
  /** As they arrived. */
  readonly frames: Frame[] = [];
  readonly isPaused = false;
  readonly OPEN = 1;
  readonly readyState = 1;
  bufferedAmount = 0;
  mostBuffered = 0;
  pongs = 0;
  onReceived: (message: Received) => void = () => {};
  #unread: Sent[] = [];
  #isReading = true;

  /** Connected to a gateway that serves one session. */
  static connect(
    session: Session,
    around: {
      readonly feeds: Feeds;
      readonly limits: Limits;
      readonly clock?: Clock;
      readonly logger?: GatewayLogger;
    },
  ): FakeSocket {
    const socket = new FakeSocket();
    const sessions = new SessionLibrary();
    sessions.add(session);
    const { clock = systemClock, logger = silent } = around;
    const options = {
      ...around,
      clock,
      sessions,
      scopes: ["read"],
      version: "0.0.0",
      logger,
    } as const;
    new Connection(socket as unknown as WebSocket, socket as unknown as Writable, options);
    return socket;
  }

  /** What the server does. */
  write(data: Uint8Array, onTaken?: () => void): void {
    this.bufferedAmount += data.byteLength;
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedAmount);
    this.#unread.push({ ...payloadOf(data), onTaken });
    if (this.#isReading) this.#read();
  }

  pong(data: Uint8Array): void {
    this.pongs++;
    if (this.#isReading) return;
    this.bufferedAmount += 2 + data.byteLength;
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedAmount);
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    this.hangUp();
  }

  /** What the client does, from here on. */
  ask(message: ClientMessageInput): void {
    this.emit("message", Buffer.from(JSON.stringify(message)), false);
  }

  stall(): void {
    this.#isReading = false;
  }

  drain(): void {
    this.#isReading = true;
    this.#read();
  }

  hangUp(): void {
    this.emit("close");
  }

  /** The values of `seq` that arrived for this subscription, in order. */
  seqs(id: number): number[] {
    return this.frames.flatMap((frame) => {
      const message = received(frame);
      if (message.op === "samples" && message.id === id) return message.samples.map(({ seq }) => seq);
      return message.op === "binary" && message.frame.subscription === id ? [message.frame.seq] : [];
    });
  }

  #read(): void {
    const read = this.#unread;
    this.#unread = [];
    this.bufferedAmount = 0;
    for (const { data, isText, onTaken } of read) {
      const frame = { data, isText };
      this.frames.push(frame);
      this.onReceived(received(frame));
      // As ws: never while the frame is being sent.
      if (onTaken !== undefined) process.nextTick(onTaken);
    }
  }
}

/** What ws would hand on of such a frame. */
function payloadOf(bytes: Uint8Array): Frame {
  const start = { 126: 4, 127: 10 }[bytes[1] ?? 0] ?? 2;
  return { data: bytes.subarray(start), isText: bytes[0] === 0x81 };
}

function received({ data, isText }: Frame): Received {
  if (isText) return ServerMessage.parse(JSON.parse(Buffer.from(data).toString()));
  const frame = decodeFrame(Uint8Array.from(data).buffer);
  if (frame === null) throw new Error("the server sent a binary frame that is none");
  return { op: "binary", frame };
}

/** Until the server, which has no disk here, has done all that it can do. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < QUIET_TURNS; turn++) await nextTurnOfTheLoop();
}

/** A subscription needs two for each thing it does. */
const QUIET_TURNS = 30;

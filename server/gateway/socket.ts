/** The WebSocket endpoint: who is let in, and that each is still there. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { CLOSE, PROTOCOL } from "../../shared/protocol.ts";
import type { SessionLibrary } from "../session/library.ts";
import type { Admission } from "./admission.ts";
import type { Grant } from "./auth.ts";
import type { Clock } from "./clock.ts";
import { Connection } from "./connection.ts";
import { Feeds } from "./feeds.ts";
import type { Limits } from "./limits.ts";
import type { GatewayLogger } from "./logger.ts";
import { Refused } from "./refused.ts";
import { visibleSessions } from "./visible-sessions.ts";

export interface SocketOptions {
  readonly library: SessionLibrary;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly version: string;
  readonly logger: GatewayLogger;
}

/** What has gone over the sockets since the server began. */
export interface Traffic {
  /** Open now, and ever. */
  readonly connections: number;
  readonly opened: number;
  readonly bufferedBytes: number;
  readonly frames: number;
  readonly gaps: number;
  readonly bytes: number;
}

interface Peer {
  readonly socket: WebSocket;
  /** What it runs over. */
  readonly wire: Duplex;
  readonly connection: Connection;
  readonly grant: Grant;
  missedPings: number;
  takenBytes: number;
  lastTakenMs: number;
}

const DRAIN_POLL_MS = 5;
const RETRY_AFTER_MS = 1000;

export class SocketEndpoint {
  readonly #options: SocketOptions;
  readonly #server: WebSocketServer;
  readonly #feeds: Feeds;
  readonly #peers = new Set<Peer>();
  readonly #heartbeat: NodeJS.Timeout;
  #isDraining = false;
  #opened = 0;
  /** Of those that have left. */
  #gone = { frames: 0, gaps: 0, bytes: 0 };

  constructor(options: SocketOptions) {
    this.#options = options;
    const { clock, limits } = options;
    this.#feeds = new Feeds({ clock, limits });
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: limits.maxFrameBytes,
      maxFragments: limits.maxFragments,
      maxBufferedChunks: limits.maxBufferedChunks,
      // By itself ws answers every ping, also of a client that takes none of the answers.
      autoPong: false,
      // Compression costs ten times the CPU and fragments memory; numbers gain little.
      perMessageDeflate: false,
      // Never the bearer: a browser keeps, and shows, what the server chose.
      handleProtocols: () => PROTOCOL,
    });
    this.#heartbeat = setInterval(() => this.#checkPeers(), limits.pingMs);
    this.#heartbeat.unref();
  }

  get connections(): number {
    return this.#peers.size;
  }

  /** Bytes that clients have not taken. */
  get bufferedBytes(): number {
    return [...this.#peers].reduce((sum, { connection }) => sum + connection.bufferedBytes, 0);
  }

  get traffic(): Traffic {
    const { connections, bufferedBytes } = this;
    let { frames, gaps, bytes } = this.#gone;
    for (const { connection, wire } of this.#peers) {
      frames += connection.sentFrames;
      gaps += connection.sentGaps;
      bytes += writtenTo(wire);
    }
    return { connections, opened: this.#opened, bufferedBytes, frames, gaps, bytes };
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A peer that resets the connection in mid-handshake must not end the process.
    socket.on("error", () => socket.destroy());
    const answer = this.#admit(request);
    if (answer instanceof Refused) {
      this.#options.logger.warn({ status: answer.status, code: answer.code }, "a socket was refused");
      refuse(socket, answer);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (opened) => this.#open(opened, socket, answer));
  }

  /** Closes the sockets of those whose grant is no longer good. */
  checkGrants(): void {
    for (const { grant, socket } of this.#peers) {
      if (!grant.isValid()) socket.close(CLOSE.authExpired, "what let this client in is no longer valid");
    }
  }

  /** Lets clients take what is written, says goodbye, and hangs up. */
  async close(): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#heartbeat);
    const { drainMs } = this.#options.limits;
    await until(() => [...this.#peers].every(({ connection }) => connection.isDrained), drainMs);
    for (const { connection } of this.#peers) {
      void connection.sayGoodbye("the server is stopping", RETRY_AFTER_MS);
    }
    await until(() => this.#peers.size === 0, drainMs);
    for (const { socket } of this.#peers) socket.terminate();
    await until(() => this.#peers.size === 0, drainMs);
    this.#server.close();
  }

  #admit(request: IncomingMessage): Grant | Refused {
    const path = request.url?.split("?", 1)[0];
    if (path !== "/v1/stream") return new Refused("not-found", "expected a socket at /v1/stream");
    const offered = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
    if (!offered.includes(PROTOCOL)) {
      return new Refused("subprotocol", `sec-websocket-protocol: expected "${PROTOCOL}" among those offered`);
    }
    const answer = this.#options.admission.admit(request, true);
    if (answer instanceof Refused) return answer;
    if (this.#isDraining) return new Refused("draining", "the server is stopping");
    const { maxConnections } = this.#options.limits;
    if (this.#peers.size < maxConnections) return answer;
    return new Refused("too-many-connections", `connections: expected at most ${maxConnections} at a time`);
  }

  #open(socket: WebSocket, wire: Duplex, grant: Grant): void {
    const { library, ...options } = this.#options;
    const sessions = visibleSessions(library, grant.session);
    const connection = new Connection(socket, wire, {
      ...options,
      sessions,
      scopes: grant.scopes,
      feeds: this.#feeds,
    });
    const lastTakenMs = this.#options.clock.now();
    const peer: Peer = { socket, wire, connection, grant, missedPings: 0, takenBytes: 0, lastTakenMs };
    this.#peers.add(peer);
    this.#opened++;
    const isThere = () => {
      peer.missedPings = 0;
    };
    socket.on("pong", isThere);
    socket.on("message", isThere);
    socket.on("close", () => {
      this.#peers.delete(peer);
      this.#gone.frames += connection.sentFrames;
      this.#gone.gaps += connection.sentGaps;
      this.#gone.bytes += writtenTo(wire);
    });
  }

  #checkPeers(): void {
    const { clock, limits } = this.#options;
    const nowMs = clock.now();
    this.checkGrants();
    for (const peer of this.#peers) {
      if (!peer.grant.isValid()) continue;
      if (peer.connection.takenBytes > peer.takenBytes || peer.connection.bufferedBytes === 0) {
        peer.takenBytes = peer.connection.takenBytes;
        peer.lastTakenMs = nowMs;
      }
      // A ping behind unread data is no question: a client that is merely slow would fail it.
      const isDead =
        peer.connection.bufferedBytes > 0
          ? nowMs - peer.lastTakenMs >= limits.stallMs
          : peer.missedPings >= limits.maxMissedPings;
      if (isDead) peer.socket.terminate();
      else if (peer.connection.bufferedBytes === 0) {
        peer.missedPings++;
        peer.socket.ping();
      }
    }
  }
}

/** Of a socket of Node's, with TLS or without; what an HTTP server hands over is one. */
function writtenTo(wire: Duplex): number {
  return (wire as Duplex & { readonly bytesWritten?: number }).bytesWritten ?? 0;
}

function refuse(socket: Duplex, refused: Refused): void {
  const body = JSON.stringify(refused.body);
  const authenticate = refused.status === 401 ? 'WWW-Authenticate: Bearer realm="thalweg"\r\n' : "";
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status]}\r\nConnection: close\r\n${authenticate}` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

async function until(isDone: () => boolean, limitMs: number): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!isDone() && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  }
}

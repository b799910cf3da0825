/** Every bound of the gateway, in one place. */

export interface Limits {
  /** Of what a client sends. */
  readonly maxFrameBytes: number;
  readonly maxFragments: number;
  /** TCP chunks one incoming frame may be cut into (CVE-2026-48779: a flood of tiny ones exhausts memory). */
  readonly maxBufferedChunks: number;
  /** Messages of one client that wait for an answer before its socket is no longer read. */
  readonly maxWaiting: number;
  /** Messages that break the protocol before the socket is closed with 4000. */
  readonly maxErrors: number;
  readonly maxSubscriptions: number;
  readonly maxConnections: number;

  /** A client with this much unsent is not written to. */
  readonly highWaterBytes: number;
  /** The largest `samples` frame; a single sample beyond it travels alone. */
  readonly batchBytes: number;
  readonly batchEvents: number;
  /** At the head of a live log, flushes keep this distance: protocol.md promises 16 ms. */
  readonly batchMs: number;
  /** Events read ahead of their time when playback is paced. */
  readonly pacedEvents: number;
  readonly pacedBytes: number;

  /** Who waits so long for a turn, or for its time, lets go of what it reads from. */
  readonly restMs: number;

  readonly pingMs: number;
  readonly maxMissedPings: number;
  /** A peer that has taken not one byte for so long while bytes wait for it is given up. */
  readonly stallMs: number;
  /** What close() grants clients to take what has been written, and then to say goodbye. */
  readonly drainMs: number;

  readonly headersMs: number;
  readonly requestMs: number;
  /** Silence on an HTTP connection, a response that nobody reads included. */
  readonly idleMs: number;
  readonly bodyBytes: number;
  /** Of a recording that is uploaded. */
  readonly importBytes: number;
  readonly maxHeaders: number;

  /** Ports tried, one after another, when the first is taken. */
  readonly portTries: number;
}

export const LIMITS: Limits = {
  maxFrameBytes: 64 * 1024,
  maxFragments: 16,
  maxBufferedChunks: 1024,
  maxWaiting: 32,
  maxErrors: 16,
  maxSubscriptions: 16,
  maxConnections: 256,
  highWaterBytes: 256 * 1024,
  batchBytes: 256 * 1024,
  batchEvents: 4096,
  batchMs: 8,
  pacedEvents: 64,
  pacedBytes: 16 * 1024,

  restMs: 1_000,
  pingMs: 20_000,
  maxMissedPings: 2,
  stallMs: 10 * 60_000,
  drainMs: 1_000,
  headersMs: 10_000,
  // An upload is a request, too; silence ends it much sooner.
  requestMs: 15 * 60_000,
  idleMs: 120_000,
  bodyBytes: 64 * 1024,
  importBytes: 4 * 2 ** 30,
  maxHeaders: 64,
  portTries: 20,
};

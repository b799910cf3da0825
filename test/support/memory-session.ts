import { BehaviorSubject, type Observable } from "rxjs";
import type {
  ControlResult,
  Cursor,
  CursorOptions,
  Session,
  SessionEvent,
  SessionStatus,
  WeightsResult,
} from "../../server/session/session.ts";
import type { EndReason, SessionHeader, SessionState } from "../../shared/header.ts";
import type { ControlAction } from "../../shared/protocol.ts";
import { encodeValue } from "../../shared/value.ts";

/** A session held in memory, written to by the test; the obvious implementation that the gateway's clients are compared with. */
export class MemorySession implements Session {
  readonly header: SessionHeader;
  readonly events: SessionEvent[] = [];
  readonly recordingPath: string | undefined;
  control?: (action: ControlAction) => Promise<ControlResult>;
  /** Awaited before each read: a slow disk, or one that fails. */
  beforeRead: () => Promise<void> = async () => {};
  /** What cursors have handed out. */
  readSamples = 0;
  openCursors = 0;
  /** Cursors that have read, and have not been told to let go since: of the chunk, and of what θ is decoded from. */
  readonly holding = { chunks: new Set<Cursor>(), thetas: new Set<Cursor>() };
  hurrying = 0;
  readonly #status: BehaviorSubject<SessionStatus>;

  constructor(header: SessionHeader, recordingPath?: string) {
    this.header = header;
    this.recordingPath = recordingPath;
    this.#status = new BehaviorSubject<SessionStatus>({
      state: "running",
      reason: null,
      headSeq: -1,
      earliestSeq: 0,
      step: -1,
    });
  }

  get status(): SessionStatus {
    return this.#status.value;
  }

  get status$(): Observable<SessionStatus> {
    return this.#status;
  }

  /** Each call is one write. Wall time: 10 ms a step unless given. */
  append(...samples: { channel: string; step: number; value: unknown; wallTimeMs?: number }[]): void {
    for (const { channel, step, value, wallTimeMs = this.header.startedAtMs + 10 * step } of samples) {
      const index = this.header.channels.findIndex(({ name }) => name === channel);
      if (index < 0) throw new RangeError(`channel: expected one of the header's, got ${channel}`);
      const isBinary = value instanceof Float32Array || value instanceof Uint8Array;
      const seq = this.events.length;
      this.events.push({
        seq,
        channel: index,
        step,
        wallTimeMs,
        ...(isBinary ? { data: value } : { json: encodeValue(value) }),
      });
    }
    const step = samples.reduce((newest, sample) => Math.max(newest, sample.step), this.status.step);
    this.#status.next({ ...this.status, headSeq: this.events.length - 1, step });
  }

  enter(state: Exclude<SessionState, "ended">): void {
    this.#status.next({ ...this.status, state });
  }

  end(reason: EndReason): void {
    this.#status.next({ ...this.status, state: "ended", reason });
    this.#status.complete();
  }

  /** Drops everything before `seq`, as a bounded log does. */
  forget(seq: number): void {
    this.#status.next({ ...this.status, earliestSeq: seq });
  }

  cursor(options: CursorOptions): Cursor {
    this.openCursors++;
    let isOpen = true;
    let position = options.from;
    const every = options.every ?? 1;
    const session = this;
    const isChosen = ({ channel, step }: SessionEvent) =>
      options.channels.has(channel) &&
      (step % every === 0 || (this.header.channels[channel]?.name.startsWith("run/") ?? false));
    const { chunks, thetas } = this.holding;
    const cursor: Cursor = {
      get position() {
        return position;
      },
      async read({ maxEvents, maxBytes }) {
        if (!isOpen) throw new Error("cursor: read after close");
        await session.beforeRead();
        const read: SessionEvent[] = [];
        let bytes = 0;
        position = Math.max(position, session.status.earliestSeq);
        while (position < session.events.length && read.length < maxEvents && bytes < maxBytes) {
          const event = session.events[position++];
          if (event === undefined || !isChosen(event)) continue;
          read.push(event);
          bytes += event.json?.length ?? event.data?.byteLength ?? 0;
        }
        session.readSamples += read.length;
        if (position < session.events.length) chunks.add(cursor);
        if (read.some(({ data }) => data !== undefined)) thetas.add(cursor);
        return read;
      },
      seek(seq) {
        position = seq;
        chunks.delete(cursor);
      },
      rest() {
        chunks.delete(cursor);
        thetas.delete(cursor);
      },
      close() {
        if (isOpen) session.openCursors--;
        isOpen = false;
        cursor.rest();
      },
    };
    return cursor;
  }

  async seqOfStep(step: number): Promise<number> {
    const found = this.events.findIndex(
      (event) => event.step >= step && event.seq >= this.status.earliestSeq,
    );
    return found < 0 ? this.events.length : found;
  }

  async weights(step: number): Promise<WeightsResult> {
    const recorded = this.events.filter(
      ({ channel }) => this.header.channels[channel]?.name === "train/weights",
    );
    const found = recorded.find((event) => event.step === step)?.data;
    if (found instanceof Float32Array) return { found: true, theta: found };
    const before = recorded.filter((event) => event.step < step).at(-1)?.step;
    const after = recorded.find((event) => event.step > step)?.step;
    return { found: false, nearest: [before, after].flatMap((s) => s ?? []) };
  }

  hurry(): () => void {
    this.hurrying++;
    let isHeld = true;
    return () => {
      if (isHeld) this.hurrying--;
      isHeld = false;
    };
  }

  async close(): Promise<void> {}
}

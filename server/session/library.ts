/** Every session this server serves, by id: those that it runs, and those whose recordings lie in its folder. */
import { join, sep } from "node:path";
import type { SessionSummary } from "../../shared/header.ts";
import { RecordingError } from "../recording/recording-error.ts";
import { removeRecording } from "../recording/remove-recording.ts";
import { retitleRecording } from "../recording/title.ts";
import { alone } from "./alone.ts";
import { type Catalogue, type CatalogueLine, isSameFile, type UnreadableFile } from "./catalogue.ts";
import { mayBeWritten, SILENT_MS } from "./heartbeat.ts";
import { importRecording } from "./import-recording.ts";
import { LibraryError, unknownSession } from "./library-error.ts";
import { openRecording, type RecordedSession } from "./recorded-session.ts";
import { type Session, summarise } from "./session.ts";

export interface LibraryOptions {
  /** Without one, only what is added. */
  readonly catalogue?: Catalogue;
  /** Ids of sessions that other processes are writing at this moment. */
  readonly liveElsewhere?: () => Promise<ReadonlySet<string>>;
}

interface Opened {
  readonly session: Promise<RecordedSession>;
  /** The file it was opened from, as it was then. */
  readonly line: CatalogueLine;
  askedForMs: number;
}

/** Recordings held open for nobody, in case somebody comes back: each is a file and an index of it. */
const MAX_IDLE = 16;
/** Who has asked for a session reads it within this time, or will ask again. */
const HANDED_OVER_MS = 60_000;

export class SessionLibrary {
  readonly #own = new Map<string, Session>();
  /** The one asked for last stands last. */
  readonly #opened = new Map<string, Opened>();
  /** Replaced or deleted; to be closed when their last reader has left. */
  readonly #leaving = new Set<Opened>();
  #isClosed = false;
  readonly #catalogue: Catalogue | null;
  readonly #liveElsewhere: () => Promise<ReadonlySet<string>>;

  constructor({ catalogue, liveElsewhere = async () => new Set() }: LibraryOptions = {}) {
    this.#catalogue = catalogue ?? null;
    this.#liveElsewhere = liveElsewhere;
    catalogue?.leaveOut((path) =>
      [...this.#own.values()].some(
        ({ recordingPath, status }) => recordingPath === path && status.state !== "ended",
      ),
    );
  }

  add(session: Session): void {
    this.#own.set(session.header.id, session);
  }

  /**
   * "live" is the newest session that has not ended; an id is looked up, and its recording opened where it must be.
   *
   * @throws {LibraryError} when the recording cannot be read after all.
   */
  async resolve(id: string): Promise<Session | undefined> {
    if (id === "live") return this.#ownNewestFirst().find(({ status }) => status.state !== "ended");
    return this.#own.get(id) ?? (await this.#open(id));
  }

  /** The newest first. */
  async summaries(): Promise<SessionSummary[]> {
    await this.#closeIdle();
    const own = this.#ownNewestFirst().map(summarise);
    const recorded = (await this.#recordings()).map(({ summary }) => summary);
    return [...own, ...recorded.filter(({ id }) => !this.#own.has(id))].sort(
      (a, b) => b.startedAtMs - a.startedAtMs,
    );
  }

  /** Files of the folder that are no recordings, or none that can be read. */
  async unreadable(): Promise<readonly UnreadableFile[]> {
    return (await this.#catalogue?.unreadable()) ?? [];
  }

  /**
   * A title for a finished recording; its id, its file's name and its samples stay.
   * @throws {LibraryError} `unknown-session`, `live`, `not-finished`, or what the disk answers.
   */
  rename(id: string, name: string): Promise<SessionSummary> {
    return this.#alone(async () => {
      const { path } = await this.#changeable(id);
      await this.#withoutFolder(() => retitleRecording(path, name));
      this.#forget(id);
      const changed = (await this.summaries()).find((summary) => summary.id === id);
      if (changed === undefined) throw unknownSession(id);
      return changed;
    });
  }

  /**
   * Deletes a recording for good. Who is reading it reads on.
   * @throws {LibraryError} `unknown-session`, `live`, or what the disk answers.
   */
  remove(id: string): Promise<void> {
    return this.#alone(async () => {
      const { path, parts } = await this.#changeable(id);
      await this.#withoutFolder(() => removeRecording(path, parts));
      this.#forget(id);
    });
  }

  /**
   * Takes a recording into the folder, checked from end to end first; or a later part of one that is there, after the parts before it.
   * @throws {LibraryError} `no-recording` without a folder; `too-large`, `exists`, `live`, and what can be wrong with a file or a disk.
   */
  async import(bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<SessionSummary> {
    if (this.#catalogue === null) {
      throw new LibraryError(
        "no-recording",
        "import: expected a server with a folder of recordings, got none",
      );
    }
    const { folder } = this.#catalogue;
    const isKnown = async (id: string) => {
      this.#catalogue?.touch();
      return (await this.summaries()).some((summary) => summary.id === id);
    };
    const placeOf = async (id: string) =>
      (await isKnown(id)) ? (await this.#changeable(id)).path : undefined;
    const bounds = { maxBytes, isKnown, placeOf };
    const summary = await this.#withoutFolder(() => importRecording([bytes], folder, bounds));
    this.#letGo(summary.id);
    this.#catalogue.touch();
    return summary;
  }

  /** Closes recordings that it has opened; sessions that were added are their owner's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = [...this.#opened.values(), ...this.#leaving];
    this.#opened.clear();
    this.#leaving.clear();
    await Promise.all(opened.map(close));
  }

  #ownNewestFirst(): Session[] {
    return [...this.#own.values()].sort((a, b) => b.header.startedAtMs - a.header.startedAtMs);
  }

  async #recordings(): ReturnType<Catalogue["recordings"]> {
    return (await this.#catalogue?.recordings()) ?? [];
  }

  async #open(id: string): Promise<Session | undefined> {
    const line = (await this.#recordings()).find(({ summary }) => summary.id === id);
    if (line === undefined || this.#catalogue === null || this.#isClosed) return undefined;
    const before = this.#opened.get(id);
    if (before !== undefined && !isSameFile(before.line, line)) this.#letGo(id);
    const opened = this.#opened.get(id) ?? {
      session: openRecording(join(this.#catalogue.folder, line.file)),
      line,
      askedForMs: 0,
    };
    opened.askedForMs = performance.now();
    this.#opened.delete(id);
    this.#opened.set(id, opened);
    try {
      return await this.#withoutFolder(() => opened.session);
    } catch (cause) {
      this.#opened.delete(id);
      throw cause;
    }
  }

  /** What is wrong with a file, as it may be told to somebody elsewhere. */
  async #withoutFolder<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof RecordingError)) throw cause;
      const folder = this.#catalogue === null ? "" : join(this.#catalogue.folder, sep);
      const message = folder === "" ? cause.message : cause.message.replaceAll(folder, "");
      throw new LibraryError(cause.code, message, { cause });
    }
  }

  #letGo(id: string): void {
    const opened = this.#opened.get(id);
    this.#opened.delete(id);
    if (opened !== undefined) this.#leaving.add(opened);
  }

  /** Of those that may still be wanted, the ones asked for last stay. */
  async #closeIdle(): Promise<void> {
    const isIdle = async ({ session, askedForMs }: Opened) =>
      performance.now() - askedForMs > HANDED_OVER_MS && (await session.catch(() => null))?.isIdle !== false;
    const idle: string[] = [];
    for (const [id, opened] of this.#opened) if (await isIdle(opened)) idle.push(id);
    for (const id of idle.slice(0, Math.max(0, idle.length - MAX_IDLE))) this.#letGo(id);
    for (const opened of [...this.#leaving])
      if ((await isIdle(opened)) && this.#leaving.delete(opened)) await close(opened);
  }

  /** Each change finds the folder as the one before has left it. */
  #alone<T>(change: () => Promise<T>): Promise<T> {
    return alone(this.#catalogue?.folder ?? "", change);
  }

  /** The file behind an id, if nobody is writing it. */
  async #changeable(id: string): Promise<{ readonly path: string; readonly parts: number }> {
    const own = this.#own.get(id);
    const elsewhere = own === undefined ? await this.#liveElsewhere() : new Set();
    if ((own !== undefined && own.status.state !== "ended") || elsewhere.has(id)) {
      throw new LibraryError("live", `session: expected a recording, got ${id}, which is going on`);
    }
    // It may have ended, or grown by a part, a moment ago.
    this.#catalogue?.touch();
    const line = (await this.#recordings()).find(({ summary }) => summary.id === id);
    if (line !== undefined && this.#catalogue !== null) {
      const path = join(this.#catalogue.folder, line.file);
      if (own === undefined && (await mayBeWritten(path, line.summary.reason))) {
        const sign = `has no end and was written to in the last ${SILENT_MS / 1000} s`;
        throw new LibraryError(
          "live",
          `session: expected one that nobody is writing, got ${id}, which ${sign}`,
        );
      }
      return { path, parts: line.parts };
    }
    throw own === undefined
      ? unknownSession(id)
      : new LibraryError("no-recording", `session ${id} keeps no recording`);
  }

  /** What is known of it is no longer true; the catalogue has the file, if there still is one. */
  #forget(id: string): void {
    this.#own.delete(id);
    this.#catalogue?.touch();
    this.#letGo(id);
  }
}

async function close({ session }: Opened): Promise<void> {
  await session.then((each) => each.close()).catch(() => undefined);
}

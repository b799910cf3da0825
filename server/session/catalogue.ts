/** What a folder of recordings holds. The files decide; an index beside them only saves looking at those that have not changed. */
import { readdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import { SessionSummary } from "../../shared/header.ts";
import { glanceAt } from "../recording/glance.ts";
import { firstPartOf, partPath } from "../recording/part.ts";
import { RecordingError } from "../recording/recording-error.ts";
import { isSame, type Stamp, stampOf } from "./file-stamp.ts";
import { summarise } from "./session.ts";

/** A file, and what was found in it when it was as its stamp says. */
const CatalogueLine = z.object({
  /** The first, or only, part. */
  file: z.string(),
  parts: z.int(),
  /** Of all parts. */
  sizeBytes: z.number(),
  modifiedMs: z.number(),
  inode: z.number(),
  summary: z.optional(SessionSummary),
  problem: z.optional(z.object({ code: z.string(), message: z.string() })),
});
export type CatalogueLine = z.infer<typeof CatalogueLine>;

type Summarised = CatalogueLine & { readonly summary: SessionSummary };

const CatalogueIndex = z.object({ version: z.literal(1), lines: z.array(CatalogueLine) });

export interface UnreadableFile {
  readonly file: string;
  readonly code: string;
  /** One sentence, without the folder. */
  readonly message: string;
}

const INDEX_FILE = ".thalweg-index.json";
const ENDING = ".mcap";
/** Files looked into at once. */
const AT_ONCE = 8;
/** The folder is read again at most so often for those who only want to know. */
const FRESH_MS = 1_000;
/** An index of fewer files is not worth a file. */
const WORTH_AN_INDEX = 16;
/** A recording that another process is writing is looked at again after so many times what that took. */
const PATIENCE = 20;

export class Catalogue {
  readonly folder: string;
  readonly #chosen: string | undefined;
  #lines: readonly CatalogueLine[] = [];
  #refreshing: Promise<void> | null = null;
  /** Something was done to the folder since the newest refreshing began: what that finds may be of before. */
  #isOvertaken = false;
  #refreshedMs = Number.NEGATIVE_INFINITY;
  #isIndexRead = false;
  /** By file: when a file without an end may be looked into again. */
  readonly #notBeforeMs = new Map<string, number>();

  #isLeftOut: (path: string) => boolean = () => false;

  /** @param chosen  a file of the folder that stands before any other copy of its session, whatever it is called. */
  constructor(folder: string, chosen?: string) {
    this.folder = folder;
    this.#chosen = chosen;
  }

  /** Files that are not looked into: whoever is writing them knows better. */
  leaveOut(isLeftOut: (path: string) => boolean): void {
    this.#isLeftOut = isLeftOut;
  }

  /** Every readable recording once, the newest first; of copies, the chosen one or the longest. */
  async recordings(): Promise<readonly Summarised[]> {
    await this.#look();
    const byId = new Map<string, Summarised>();
    for (const line of this.#lines) {
      if (!hasSummary(line)) continue;
      const other = byId.get(line.summary.id);
      if (other === undefined || this.#isBetter(line, other)) byId.set(line.summary.id, line);
    }
    return [...byId.values()].sort((a, b) => b.summary.startedAtMs - a.summary.startedAtMs);
  }

  async unreadable(): Promise<readonly UnreadableFile[]> {
    await this.#look();
    return this.#lines.flatMap(({ file, problem }) => (problem === undefined ? [] : [{ file, ...problem }]));
  }

  /** Something has been done to the folder: the next question reads it. */
  touch(): void {
    this.#refreshedMs = Number.NEGATIVE_INFINITY;
    this.#notBeforeMs.clear();
    this.#isOvertaken = true;
  }

  async #look(): Promise<void> {
    if (performance.now() - this.#refreshedMs < FRESH_MS) return;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    const isOvertaken = this.#isOvertaken;
    await this.#refreshing;
    if (isOvertaken) await this.#look();
  }

  async #refresh(): Promise<void> {
    const beganMs = performance.now();
    this.#isOvertaken = false;
    const known = new Map((await this.#knownLines()).map((line) => [line.file, line]));
    const names = await readdir(this.folder).catch(() => [] as string[]);
    const recordings = new Set(names.filter((name) => this.#isRecording(name)));
    const files = [...recordings]
      .filter((name) => name === this.#chosen || !recordings.has(firstPartOf(name) ?? ""))
      .filter((name) => !this.#isLeftOut(join(this.folder, name)))
      .sort();
    const lines: CatalogueLine[] = [];
    let changed = files.length !== known.size;
    await inParallel(files, AT_ONCE, async (file) => {
      const before = known.get(file);
      const stamp = await stampOf(partsOf(file, recordings).map((part) => join(this.folder, part)));
      if (stamp === null) return;
      if (before !== undefined && (isSame(before, stamp) || this.#isTooSoon(before))) {
        lines.push(before);
        return;
      }
      changed = true;
      lines.push(await this.#lineOf(file, stamp));
    });
    this.#lines = lines.sort((a, b) => (a.file < b.file ? -1 : 1));
    if (!this.#isOvertaken) this.#refreshedMs = beganMs;
    if (changed && lines.length >= WORTH_AN_INDEX) await this.#writeIndex();
  }

  #isBetter(a: Summarised, b: Summarised): boolean {
    if (a.file === this.#chosen || b.file === this.#chosen) return a.file === this.#chosen;
    return a.summary.headSeq > b.summary.headSeq;
  }

  #isRecording(name: string): boolean {
    return name === this.#chosen || (name.endsWith(ENDING) && !name.startsWith("."));
  }

  async #lineOf(file: string, stamp: Stamp): Promise<CatalogueLine> {
    const path = join(this.folder, file);
    const beganMs = performance.now();
    try {
      const glance = await glanceAt(path);
      if (glance.endReason === null && !this.#isOvertaken) {
        const nowMs = performance.now();
        this.#notBeforeMs.set(file, nowMs + PATIENCE * (nowMs - beganMs));
      }
      const { header, headSeq, lastStep, endReason } = glance;
      const status = {
        state: "ended",
        reason: endReason ?? "interrupted",
        headSeq,
        earliestSeq: 0,
        step: lastStep,
      } as const;
      const { sizeBytes: recordingBytes, parts: recordingParts } = stamp;
      const summary = { ...summarise({ header, status }), recordingBytes, recordingParts };
      return { file, ...stamp, summary };
    } catch (cause) {
      if (!(cause instanceof RecordingError)) throw cause;
      const message = cause.message.replaceAll(path, file);
      return { file, ...stamp, problem: { code: cause.code, message } };
    }
  }

  /** Grown since, and looked at a moment ago: what was true then will do. */
  #isTooSoon({ file, summary }: CatalogueLine): boolean {
    return summary?.reason === "interrupted" && performance.now() < (this.#notBeforeMs.get(file) ?? 0);
  }

  /** The index is read once; from then on, memory knows more. */
  async #knownLines(): Promise<readonly CatalogueLine[]> {
    if (this.#isIndexRead) return this.#lines;
    this.#isIndexRead = true;
    try {
      const index = CatalogueIndex.safeParse(
        JSON.parse(await readFile(join(this.folder, INDEX_FILE), "utf8")),
      );
      return index.success ? index.data.lines : [];
    } catch {
      // Missing, or half written by something else: it is made anew.
      return [];
    }
  }

  /** As well as it can be: a folder that cannot be written to is read anew by each process. */
  async #writeIndex(): Promise<void> {
    const path = join(this.folder, INDEX_FILE);
    const temporaryPath = `${path}.${process.pid}.tmp`;
    const index: z.infer<typeof CatalogueIndex> = { version: 1, lines: [...this.#lines] };
    try {
      await writeFile(temporaryPath, JSON.stringify(index));
      await rename(temporaryPath, path);
    } catch {
      await unlink(temporaryPath).catch(() => undefined);
    }
  }
}

function hasSummary(line: CatalogueLine): line is Summarised {
  return line.summary !== undefined;
}

function partsOf(file: string, all: ReadonlySet<string>): string[] {
  const parts = [file];
  while (all.has(partPath(file, parts.length + 1))) parts.push(partPath(file, parts.length + 1));
  return parts;
}

export function isSameFile(a: CatalogueLine, b: CatalogueLine): boolean {
  return a.file === b.file && isSame(a, b);
}

async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) await work(items[at] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

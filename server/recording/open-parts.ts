/** Opens a recording with all its parts, as one: what each holds intact, joined where one goes on after the other. */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { BlockFile } from "./block-file.ts";
import { openLogFile } from "./log-file-handle.ts";
import { type RecordingScan, scanRecording } from "./mcap-reader.ts";
import { partPath } from "./part.ts";
import { RecordingError, recordingErrorOf } from "./recording-error.ts";
import type { Segment } from "./segments.ts";
import type { WeightIndex, WeightIndexes } from "./weight-index.ts";

export interface OpenedRecording {
  /** Of all parts together. */
  readonly scan: RecordingScan;
  /** In order; the first begins at seq 0. */
  readonly segments: readonly [Segment, ...Segment[]];
}

/** @throws {RecordingError} when the first part is no recording, or none of which anything can be read. */
export async function openParts(path: string): Promise<OpenedRecording> {
  const first = await openPart(path, "first");
  const segments: [Segment, ...Segment[]] = [{ file: first.file, firstSeq: 0 }];
  let { scan } = first;
  for (let number = 2; ; number++) {
    const at = partPath(path, number);
    const next = await openPart(at, "later").catch((cause: unknown) => {
      if (cause instanceof RecordingError) return cause;
      throw cause;
    });
    if (next instanceof RecordingError) {
      const isMissed = next.code !== "not-found" || scan.next !== null;
      return {
        scan: isMissed ? { ...scan, endReason: null, fault: next.message } : scan,
        segments,
      };
    }
    const refusal = whyApart(scan, next.scan);
    if (refusal !== null) {
      await next.file.close();
      return { scan: { ...scan, fault: `${scan.fault ?? "a part"}; ${basename(at)} ${refusal}` }, segments };
    }
    segments.push({ file: next.file, firstSeq: firstSeqOf(next.scan) });
    scan = joined(scan, next.scan);
  }
}

/** Which later part of which session a file is; null where it is none, whatever else it may be. */
export async function openLaterPart(
  path: string,
): Promise<{ readonly id: string; readonly part: number } | null> {
  try {
    const { file, scan } = await openPart(path, "later");
    await file.close();
    return scan.part === null ? null : { id: scan.header.id, part: scan.part.part };
  } catch (cause) {
    if (cause instanceof RecordingError) return null;
    throw cause;
  }
}

/** Why a file cannot be the next part of a recording; null when it can. */
export async function whyNotNext(path: string, candidatePath: string): Promise<string | null> {
  const { scan, segments } = await openParts(path);
  await Promise.all(segments.map(({ file }) => file.close()));
  const next = await openPart(candidatePath, "later");
  await next.file.close();
  const expected = segments.length + 1;
  const got = next.scan.part?.part ?? 1;
  if (got !== expected) return `expected part ${expected} of session ${scan.header.id} next, got part ${got}`;
  const refusal = whyApart(scan, next.scan);
  return refusal === null ? null : `part ${got} ${refusal}`;
}

interface OpenedPart {
  readonly file: BlockFile;
  readonly scan: RecordingScan;
}

async function openPart(path: string, wanted: "first" | "later"): Promise<OpenedPart> {
  try {
    const found = await stat(path);
    if (!found.isFile()) {
      throw new RecordingError("not-a-recording", `${path}: expected a file, got something else`);
    }
    const handle = await openLogFile(path, "r");
    try {
      const scan = await scanRecording(handle, path, found.size, wanted);
      return { file: new BlockFile(path, handle, scan.spans), scan };
    } catch (cause) {
      await handle.close();
      throw cause;
    }
  } catch (cause) {
    throw recordingErrorOf(cause, path);
  }
}

function firstSeqOf({ part }: RecordingScan): number {
  return part?.firstSeq ?? 0;
}

/** Why these two do not follow each other; null when they do. A part may begin before the end of the one before, with the same events. */
function whyApart(before: RecordingScan, { header, part }: RecordingScan): string | null {
  if (header.id !== before.header.id) return `belongs to another session, ${header.id}`;
  const goesOnAt = part?.gap?.fromSeq ?? part?.firstSeq ?? 0;
  const expected = before.headSeq + 1;
  return goesOnAt <= expected ? null : `goes on at seq ${goesOnAt}, expected ${expected}`;
}

function joined(before: RecordingScan, next: RecordingScan): RecordingScan {
  const isEmpty = next.headSeq < firstSeqOf(next);
  return {
    ...next,
    // A title stands at the end of the first part.
    header: before.header,
    part: before.part,
    weights: joinedWeights(before.weights, next.weights, firstSeqOf(next)),
    // A part that was begun and holds nothing takes nothing away.
    headSeq: isEmpty ? before.headSeq : next.headSeq,
    lastStep: Math.max(before.lastStep, next.lastStep),
  };
}

function joinedWeights(before: WeightIndexes, next: WeightIndexes, firstSeq: number): WeightIndexes {
  return new Map(
    [...before].map(([channel, index]): [number, WeightIndex] => {
      index.drop(firstSeq, Number.POSITIVE_INFINITY);
      next.get(channel)?.appendTo(index);
      return [channel, index];
    }),
  );
}

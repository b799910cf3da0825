/** The files that hold a log, one after the other. Where two overlap, the later one counts; what lies between two is a hole. */
import type { Block } from "./block.ts";
import type { BlockFile } from "./block-file.ts";
import type { Span } from "./span-index.ts";

export interface Segment {
  readonly file: BlockFile;
  readonly firstSeq: number;
}

/** Seqs that were given out, and whose events no file holds. */
export interface Hole {
  readonly fromSeq: number;
  readonly toSeq: number;
}

export async function blockIn(segments: readonly Segment[], seq: number): Promise<Block | undefined> {
  return segments.findLast(({ firstSeq }) => firstSeq <= seq)?.file.block(seq);
}

/** The hole in which this seq lies. After the last segment there is none: what is there has not been written yet. */
export function holeIn(segments: readonly Segment[], seq: number): Hole | undefined {
  const at = segments.findLastIndex(({ firstSeq }) => firstSeq <= seq);
  const next = segments[at + 1];
  const lastSeq = segments[at]?.file.spans.lastSeq;
  if (next === undefined || lastSeq === undefined || seq <= lastSeq) return undefined;
  return { fromSeq: lastSeq + 1, toSeq: next.firstSeq - 1 };
}

/** The first span with an event at or after this step. */
export function spanReachingIn(segments: readonly Segment[], step: number): Span | undefined {
  for (const { file } of segments) {
    const span = file.spans.reaching(step);
    if (span !== undefined) return span;
  }
  return undefined;
}

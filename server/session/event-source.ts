/** What cursors read from: a log that is being written, or a recording. */
import type { SessionHeader } from "../../shared/header.ts";
import type { Block } from "../recording/block.ts";
import type { Hole } from "../recording/segments.ts";
import type { Span } from "../recording/span-index.ts";
import type { WeightIndexes } from "../recording/weight-index.ts";

export interface EventSource {
  readonly header: SessionHeader;
  readonly headSeq: number;
  readonly earliestSeq: number;
  readonly weights: WeightIndexes;
  /** The block that holds this seq; undefined when it is not written yet or no longer held. */
  block(seq: number): Promise<Block | undefined>;
  /** What was given this seq and is in no file; undefined where something is. */
  holeAt(seq: number): Hole | undefined;
  /** Data of a weights message that is itself no longer held, but which a held one needs for decoding. */
  carried(seq: number): Uint8Array | undefined;
  /** The first span with an event at or after this step. */
  spanReaching(step: number): Span | undefined;
}

/** Look-ups in a log by step. */
import type { StreamDescriptor } from "../../shared/stream.ts";
import { MessageWalk } from "../recording/block.ts";
import type { EventSource } from "./event-source.ts";
import type { WeightsResult } from "./session.ts";
import { ThetaReader } from "./theta-reader.ts";

/** seq of the first event at or after this step; headSeq + 1 when there is none yet. */
export async function findSeqOfStep(source: EventSource, step: number): Promise<number> {
  const span = source.spanReaching(step);
  if (span === undefined) return source.headSeq + 1;
  for (let seq = span.firstSeq; seq <= span.lastSeq; ) {
    const block = await source.block(seq);
    // Dropped meanwhile: what is still held is all later.
    if (block === undefined) return source.earliestSeq;
    const walk = new MessageWalk(block);
    while (walk.next()) {
      const message = walk.open(source.header.channels[walk.channel] as StreamDescriptor);
      if (message.step >= step) return walk.seq;
    }
    seq = block.lastSeq + 1;
  }
  return span.lastSeq + 1;
}

/** θ as the log holds it at exactly this step. */
export async function findWeights(source: EventSource, step: number): Promise<WeightsResult> {
  const channel = source.header.channels.findIndex(({ name }) => name === "train/weights");
  const index = source.weights.get(channel);
  const seq = index?.seqOfStep(step);
  const theta = seq === undefined ? undefined : await new ThetaReader(source, channel).read(seq);
  return theta === undefined ? { found: false, nearest: index?.nearest(step) ?? [] } : { found: true, theta };
}

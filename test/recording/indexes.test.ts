/** What a log keeps in memory of each chunk and each θ, against plain lists. */
import { expect, test } from "vitest";
import { createRandom } from "../../server/numerics/random.ts";
import { SPAN_BYTES, type Span, SpanIndex } from "../../server/recording/span-index.ts";
import { WeightIndex } from "../../server/recording/weight-index.ts";
import { Tail } from "../../server/session/tail.ts";

test("neighbouring chunks make spans of at most a megabyte, found by seq and by step", () => {
  const random = createRandom(1);
  const index = new SpanIndex();
  const spans: Span[] = [];
  let [offset, seq, step] = [100, 0, 0];
  // So many that the rows lie in several blocks.
  for (let i = 0; i < 20_000; i++) {
    const length = 1 + random.integer(SPAN_BYTES / 4);
    const count = 1 + random.integer(50);
    const maxStep = step + random.integer(3);
    const chunk = { offset, length, firstSeq: seq, lastSeq: seq + count - 1, maxStep };
    const last = spans.at(-1);
    if (last !== undefined && offset + length - last.offset <= SPAN_BYTES) {
      const joined = { lastSeq: chunk.lastSeq, maxStep: Math.max(last.maxStep, maxStep) };
      spans[spans.length - 1] = { ...last, ...joined, length: offset + length - last.offset };
    } else spans.push(chunk);
    index.add(chunk);
    // Other records may lie between chunks.
    offset += length + random.integer(100);
    seq += count;
    step = Math.max(0, maxStep - random.integer(2));
  }
  expect([...index]).toEqual(spans);
  expect(index.lastSeq).toBe(seq - 1);
  for (let i = 0; i < 500; i++) {
    const wanted = random.integer(seq + 10);
    expect(index.find(wanted)).toEqual(spans.find((s) => s.firstSeq <= wanted && wanted <= s.lastSeq));
    const reached = random.integer(step + 10);
    expect(index.reaching(reached)).toEqual(spans.find(({ maxStep }) => maxStep >= reached));
  }
});

test("θ are found by seq and by step, also after some have been dropped and others handed over", () => {
  const random = createRandom(2);
  let kept: { seq: number; step: number; isKeyframe: boolean }[] = [];
  const [index, next] = [new WeightIndex(), new WeightIndex()];
  for (let i = 0; i < 10_000; i++) {
    const entry = { seq: 3 * i, step: 10 * i, isKeyframe: i % 7 === 0 };
    kept.push(entry);
    (i < 6000 ? index : next).add(entry.seq, entry.step, entry.isKeyframe);
  }
  next.appendTo(index);
  for (const [from, before] of [
    [15_000, 15_300],
    [0, 2000],
  ] as const) {
    index.drop(from, before);
    kept = kept.filter(({ seq }) => seq < from || seq >= before);
  }
  expect(index.size).toBe(kept.length);
  for (let i = 0; i < 500; i++) {
    const seq = random.integer(30_100);
    const at = kept.findIndex((entry) => entry.seq === seq);
    const keyframe = kept.slice(0, at + 1).findLastIndex(({ isKeyframe }) => isKeyframe);
    const chain = kept.slice(keyframe, at + 1).map((entry) => entry.seq);
    expect(index.chainTo(seq)).toEqual(at < 0 || keyframe < 0 ? undefined : chain);
    const step = random.integer(100_100);
    expect(index.seqOfStep(step)).toBe(kept.find((entry) => entry.step === step)?.seq);
  }
});

test("the newest blocks are held up to their bytes, and up to their number where they are tiny", () => {
  const tail = new Tail();
  const held = (before: number) =>
    Array.from({ length: before }, (_, seq) => seq).filter((s) => tail.find(s));
  for (let seq = 0; seq < 5000; seq++) tail.add({ bytes: Buffer.alloc(100), firstSeq: seq, lastSeq: seq });
  expect(held(5000)).toHaveLength(2048);
  for (let seq = 5000; seq < 5010; seq++)
    tail.add({ bytes: Buffer.alloc(2 ** 20), firstSeq: seq, lastSeq: seq });
  expect(held(5010)).toEqual([5006, 5007, 5008, 5009]);
});

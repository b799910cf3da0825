import { describe, expect, it } from "vitest";
import { trainGradientNorm } from "../../server/streams/train-gradient-norm.ts";
import { trainLearningRate } from "../../server/streams/train-learning-rate.ts";
import { trainLoss } from "../../server/streams/train-loss.ts";
import { trainState } from "../../server/streams/train-state.ts";
import { trainUpdateNorm } from "../../server/streams/train-update-norm.ts";
import { trainWeights } from "../../server/streams/train-weights.ts";
import { samplesOf, stepsAlong } from "../support/make-steps.ts";

const path = [[0], [1], [2], [3], [4], [5], [6], [7]];

describe("the trainer's streams", () => {
  it("give what made each update, from step 1: N updates, N samples", async () => {
    const steps = stepsAlong(path.slice(0, 3));
    expect(await samplesOf(steps, trainLoss())).toEqual([
      { channel: "train/loss", step: 1, value: 101 },
      { channel: "train/loss", step: 2, value: 102 },
    ]);
    const valuesOf = async (stream: ReturnType<typeof trainLoss>) =>
      (await samplesOf(steps, stream)).map(({ value }) => value);
    expect(await valuesOf(trainGradientNorm())).toEqual([201, 202]);
    expect(await valuesOf(trainUpdateNorm())).toEqual([301, 302]);
    expect(await valuesOf(trainLearningRate())).toEqual([0.5, 0.25]);
  });

  it("log weights every k-th step, at powers of two, step 0 and the last, as copies", async () => {
    const steps = stepsAlong(Array.from({ length: 23 }, (_, t) => [t]));
    const samples = await samplesOf(steps, trainWeights({ every: 5 }));
    const expected = [0, 1, 2, 4, 5, 8, 10, 15, 16, 20, 22];
    expect(samples.map(({ step }) => step)).toEqual(expected);
    for (const step of steps) step.theta.fill(-1);
    expect(samples.map(({ value }) => [...value])).toEqual(expected.map((t) => [t]));
  });

  it("log the state every 500 steps unless told otherwise", async () => {
    const long = stepsAlong(Array.from({ length: 1102 }, () => [0]));
    expect((await samplesOf(long, trainState())).map(({ step }) => step)).toEqual([0, 500, 1000, 1101]);
    const samples = await samplesOf(stepsAlong(path), trainState({ every: 5 }));
    expect(samples.map(({ value }) => value)).toEqual([Uint8Array.of(0), Uint8Array.of(5), Uint8Array.of(7)]);
  });
});

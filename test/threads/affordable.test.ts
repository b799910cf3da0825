import { describe, expect, it } from "vitest";
import { affordable } from "../../server/threads/affordable.ts";
import type { PlannedStream } from "../../server/threads/messages.ts";
import { quadraticConfig } from "../support/quadratic-run.ts";

const costs = {
  step: 10,
  stepBeside: 12,
  linearise: 20,
  hvp: 10,
  project: 0,
  probeLoss: 5,
  testLoss: 30,
  batch: 4,
  geometry: 1,
  encode: 2,
};
const facts = { parameters: [{ name: "kernel", layer: "dense", shape: [2], offset: 0 }] };
const stream = (name: string, rest: Partial<PlannedStream> = {}): PlannedStream => ({
  name,
  role: "curvature",
  scheduleKey: "density",
  isSparse: true,
  memoryBytes: 0,
  ...rest,
});

describe("what a run can afford", () => {
  it("keeps every stream of a small network", () => {
    const planned = [stream("hessian/density"), stream("train/loss", { scheduleKey: null, isSparse: false })];
    expect(affordable(planned, costs, { facts, config: quadraticConfig({}) })).toEqual({
      planned,
      leftOut: [],
    });
  });

  it("leaves out what would hold more than a GiB, even where it was asked for", () => {
    const basis = stream("hessian/eigenvalues", { isSparse: false, memoryBytes: 64 * 4 * 5e6 });
    const config = quadraticConfig({ every: { density: 10 } });
    const { planned, leftOut } = affordable([basis, stream("hessian/density")], costs, { facts, config });
    expect(planned.map(({ name }) => name)).toEqual(["hessian/density"]);
    expect(leftOut).toEqual([
      {
        stream: "hessian/eigenvalues",
        isWanted: true,
        message:
          "hessian/eigenvalues is left out: a measurement would hold 1.2 GiB beside the network, more than 1.0 GiB",
      },
    ]);
  });

  it("leaves out what is not wanted, by name or by schedule, however cheap", () => {
    const planned = [
      stream("hessian/density"),
      stream("path/loss", { scheduleKey: "path", isSparse: false }),
    ];
    const without = (...names: string[]) =>
      affordable(planned, costs, { facts, config: quadraticConfig({ without: names }) });
    expect(without("path").planned.map(({ name }) => name)).toEqual(["hessian/density"]);
    expect(without("hessian/density").leftOut).toEqual([
      {
        stream: "hessian/density",
        isWanted: false,
        message: "hessian/density is left out: --without hessian/density",
      },
    ]);
    expect(without("density", "path").planned).toEqual([]);
  });

  it("leaves out a sparse stream that takes long beside the run, unless its interval was given", () => {
    const dear = { ...costs, hvp: 50 };
    const left = (every: Record<string, number>, steps: number, isSparse = true) =>
      affordable([stream("hessian/density", { isSparse })], dear, {
        facts,
        config: quadraticConfig({ every, steps }),
      }).leftOut.map(({ message }) => message);
    expect(left({}, 1000)).toEqual([
      "hessian/density is left out: a measurement would take 4.8 s, the steps of the run 10 s; --every density=<k> asks for it all the same",
    ]);
    expect(left({}, 10_000)).toEqual([]);
    expect(left({ density: 500 }, 1000)).toEqual([]);
    expect(left({ "hessian/density": 500 }, 1000)).toEqual([]);
    const ofPreset = { preset: "edge", steps: 1000 };
    const names = (every: Record<string, number>) =>
      affordable([stream("hessian/density")], dear, {
        facts,
        config: quadraticConfig({ ...ofPreset, every }),
      }).leftOut.map((one) => one.stream);
    expect(names({ density: 500 }), "as the preset has it: nobody asked").toEqual(["hessian/density"]);
    expect(names({ density: 400 })).toEqual([]);
    expect(left({}, 1000, false)).toEqual([]);
  });
});

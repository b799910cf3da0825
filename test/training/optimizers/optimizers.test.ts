import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { layers } from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../../../server/numerics/random.ts";
import type { RunConfig } from "../../../server/training/config.ts";
import { createOptimizer } from "../../../server/training/optimizers/index.ts";
import { learningRateShare } from "../../../server/training/optimizers/learning-rate.ts";
import { quadraticConfig } from "../../support/quadratic-run.ts";

const SIZE = 40;
const STEPS = 60;
const ETA = 0.05;
const random = createRandom(1);
const curvatures = Array.from({ length: SIZE }, () => 10 ** (2 * random.uniform() - 1));
const start = random.fillNormal(new Float32Array(SIZE));

beforeAll(async () => {
  expect(layers).toBeDefined(); // registers the gradients that tf.train needs
  await tf.setBackend("cpu");
});

/** On ½ Σ hᵢ(θᵢ − 1)². The minimum is not at 0, because there Adam would not notice weight decay. */
function run(settings: Partial<RunConfig>): Float32Array {
  const optimizer = createOptimizer(quadraticConfig(settings), SIZE);
  const theta = start.slice();
  for (let t = 0; t < STEPS; t += 1) {
    optimizer.update(
      theta,
      Float32Array.from(theta, (value, i) => (curvatures[i] ?? 0) * (value - 1)),
      ETA,
    );
  }
  return theta;
}

type Rule = (slope: number, slot: number[], t: number, theta: number) => number;

/** The textbook's recursion in float64, one coordinate at a time. @returns θ after all steps. */
function reference(rule: Rule): number[] {
  return Array.from(start, (first, i) => {
    const slot = [0, 0];
    let theta = first;
    for (let t = 1; t <= STEPS; t += 1) theta += rule((curvatures[i] ?? 0) * (theta - 1), slot, t, theta);
    return theta;
  });
}

const gd: Rule = (g) => -ETA * g;
const heavyBall: Rule = (g, slot) => {
  slot[0] = 0.9 * (slot[0] ?? 0) + g;
  return -ETA * slot[0];
};
const nesterov: Rule = (g, slot) => {
  slot[0] = 0.9 * (slot[0] ?? 0) + g;
  return -ETA * (g + 0.9 * slot[0]);
};
const adam: Rule = (g, slot, t) => {
  slot[0] = 0.9 * (slot[0] ?? 0) + 0.1 * g;
  slot[1] = 0.999 * (slot[1] ?? 0) + 0.001 * g * g;
  return (-ETA * (slot[0] / (1 - 0.9 ** t))) / (Math.sqrt(slot[1] / (1 - 0.999 ** t)) + 1e-8);
};
const decayed =
  (rule: Rule): Rule =>
  (g, slot, t, theta) =>
    rule(g + 0.3 * theta, slot, t, theta);

const RULES = [
  ["gd", gd],
  ["sgd", gd],
  ["momentum", heavyBall],
  ["nesterov", nesterov],
  ["adam", adam],
] as const;

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  const worst = Math.max(...Array.from(expected, (value, i) => Math.abs(value - (actual[i] ?? Number.NaN))));
  expect(worst).toBeLessThan(tolerance);
}

describe.each(RULES)("%s", (optimizer, rule) => {
  it("follows its formula in float64", () => {
    expectClose(run({ optimizer, momentum: 0.9 }), reference(rule), 2e-6);
  });

  it("adds weight decay to the gradient", () => {
    expectClose(run({ optimizer, momentum: 0.9, weightDecay: 0.3 }), reference(decayed(rule)), 2e-6);
    expect(Math.abs((reference(decayed(rule))[0] ?? 0) - (reference(rule)[0] ?? 0))).toBeGreaterThan(1e-4);
  });
});

it.each([
  ["gd", 2e-6, () => tf.train.sgd(ETA)],
  ["momentum", 2e-6, () => tf.train.momentum(ETA, 0.9)],
  // Theirs keeps the powers of β in float32: 1 − 0.999 is off by 5e-5 of itself.
  ["adam", 5e-5, () => tf.train.adam(ETA, 0.9, 0.999, 1e-8)],
] as const)("%s agrees with tf.train", (optimizer, tolerance, create) => {
  const variable = tf.variable(tf.tensor1d(start));
  const diagonal = tf.tensor1d(curvatures);
  const theirs = create();
  for (let t = 0; t < STEPS; t += 1) {
    theirs.minimize(
      () => tf.mul(0.5, tf.sum(tf.mul(diagonal, tf.squaredDifference(variable, 1)))) as tf.Scalar,
    );
  }
  expectClose(run({ optimizer, momentum: 0.9 }), variable.dataSync(), tolerance);
  tf.dispose([variable, diagonal]);
  theirs.dispose();
});

it("measures the gradient without decay, and the move that θ really made", () => {
  const optimizer = createOptimizer(quadraticConfig({ weightDecay: 0.5 }), 2);
  const theta = Float32Array.of(1, 2);
  const norms = optimizer.update(theta, Float32Array.of(3, 4), 0.1);
  expect(norms.gradientNorm).toBe(5);
  expect(norms.updateNorm).toBe(Math.hypot((theta[0] ?? 0) - 1, (theta[1] ?? 0) - 2));
  expect([...theta]).toEqual([Math.fround(1 - 0.35), Math.fround(2 - 0.5)]);
});

it.each(RULES)("%s notices that θ is no longer finite", (optimizer) => {
  const update = (gradient: number) =>
    createOptimizer(quadraticConfig({ optimizer, momentum: 0.9 }), 1).update(
      Float32Array.of(3e38),
      Float32Array.of(gradient),
      ETA,
    );
  expect(update(1).thetaIsFinite).toBe(true);
  expect(update(Number.NaN).thetaIsFinite).toBe(false);
});

describe("learningRateShare", () => {
  it("stays, falls along half a cosine, or drops tenfold at a half and three quarters", () => {
    const at = (schedule: "constant" | "cosine" | "step") =>
      [0, 25, 50, 75].map((t) => learningRateShare(schedule, t, 100));
    expect(at("constant")).toEqual([1, 1, 1, 1]);
    at("cosine").forEach((share, i) => {
      expect(share).toBeCloseTo([1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2][i] ?? 0, 12);
    });
    at("step").forEach((share, i) => {
      expect(share).toBeCloseTo([1, 1, 0.1, 0.01][i] ?? 0, 12);
    });
  });

  it("gives the last step the η that brought θ there", () => {
    expect(learningRateShare("cosine", 100, 100)).toBe(learningRateShare("cosine", 99, 100));
  });
});

describe("the preconditioner", () => {
  it("of Adam is what the update divided the moving average of the gradient by", () => {
    const optimizer = createOptimizer(quadraticConfig({ optimizer: "adam" }), SIZE);
    expect(optimizer.preconditioner()).toBeNull();
    const theta = start.slice();
    for (let t = 0; t < 7; t++) {
      const before = theta.slice();
      optimizer.update(
        theta,
        Float32Array.from(theta, (value, i) => (curvatures[i] ?? 0) * (value - 1)),
        ETA,
      );
      const diagonal = optimizer.preconditioner() ?? new Float32Array();
      const moments = optimizer.slots["first"] ?? new Float32Array();
      for (const [i, value] of theta.entries()) {
        const moved = (ETA * (moments[i] ?? 0)) / (diagonal[i] ?? 0);
        expect(Math.abs((before[i] ?? 0) - value - moved)).toBeLessThan(1e-6 * (1 + Math.abs(value)));
      }
    }
  });

  it("of the others is none", () => {
    for (const optimizer of ["gd", "sgd", "momentum", "nesterov"] as const) {
      const made = createOptimizer(quadraticConfig({ optimizer }), 2);
      made.update(Float32Array.of(1, 1), Float32Array.of(1, 1), ETA);
      expect(made.preconditioner()).toBeNull();
    }
  });
});

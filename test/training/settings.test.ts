import { describe, expect, it } from "vitest";
import { RunSettings } from "../../server/training/config.ts";
import { parseSettings } from "../../server/training/parse-settings.ts";
import { PRESETS } from "../../server/training/presets.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import { SETTING_FLAGS } from "../../server/training/settings-flags.ts";

const problems = (input: unknown) => {
  const parsed = parseSettings(input);
  return parsed.ok ? [] : parsed.problems;
};

/** From settings to a config or the problems on the way. */
function resolve(settings: RunSettings) {
  const resolved = resolveSettings(settings);
  return resolved.ok ? resolved.config : resolved.problems;
}

describe("parseSettings", () => {
  it.each([
    [{ learningRate: "fast" }, 'learning-rate: expected a number > 0, got "fast"'],
    [{ learningRate: Number.NaN }, "learning-rate: expected a number > 0, got NaN"],
    [{ steps: 1.5 }, "steps: expected a whole number > 0, at most 4294967295, got 1.5"],
    [{ batchSize: 0 }, 'batch-size: expected a whole number > 0 or "full", got 0'],
    [{ hidden: [100, "x"] }, 'hidden: expected sizes such as 100 or 200,200, got [100,"x"]'],
    [
      { loss: "hinge" },
      'loss: expected one of cross-entropy, mse, half-sum-mse, sigmoid-cross-entropy, huber, got "hinge"',
    ],
    [{ momentum: 1 }, "momentum: expected a number ≥ 0 and < 1, got 1"],
    [{ every: { hessian: 0 } }, "every: expected <stream>=<k> with a whole number k > 0, got hessian=0"],
    [{ every: { "Hess ian": 5 } }, "every: expected <stream>=<k> with a whole number k > 0, got Hess ian=5"],
    [{ learnRate: 1 }, "learnRate: unknown setting; did you mean learningRate?"],
    [{ "batch-size": 1 }, "batch-size: unknown setting; did you mean batchSize?"],
    [{ xyzzy: 1 }, "xyzzy: unknown setting"],
    ["edge", 'settings: expected an object, got "edge"'],
  ])("judges %j", (input, problem) => {
    expect(problems(input)).toEqual([problem]);
  });

  it("names every problem at once", () => {
    expect(problems({ steps: -1, seed: "x", optimiser: "gd" })).toHaveLength(3);
  });

  it("has a flag for every setting", () => {
    expect(SETTING_FLAGS.map(({ key }) => key).sort()).toEqual(Object.keys(RunSettings.shape).sort());
  });
});

describe("a flag's argument", () => {
  it.each([
    ["hidden", "200,100", [200, 100]],
    ["without", "density,sam", ["density", "sam"]],
    ["learningRate", "2e-1", 0.2],
    ["learningRate", "fast", "fast"],
    ["learningRate", "", ""],
    ["batchSize", "full", "full"],
    ["dataset", "idx:./x", "idx:./x"],
  ] as const)("becomes what a config file would hold: --%s %s", (key, text, value) => {
    expect(SETTING_FLAGS.find((flag) => flag.key === key)?.read(text)).toEqual(value);
  });

  it("adds up over repeated --every", () => {
    const every = SETTING_FLAGS.find((flag) => flag.key === "every");
    expect(every?.read("eval=10", every.read("hessian=25"))).toEqual({ hessian: 25, eval: 10 });
    expect(problems({ every: every?.read("hessian") })).toHaveLength(1);
  });
});

describe("resolveSettings", () => {
  it("is the preset edge when nothing is said", () => {
    expect(resolve({})).toMatchObject({
      preset: "edge",
      task: "mnist-mlp",
      trainSize: 1000,
      center: "mean",
      hidden: [100],
      activation: "tanh",
      init: "lecun",
      loss: "half-sum-mse",
      steps: 1500,
      batchSize: "full",
      optimizer: "gd",
      learningRate: 0.2,
      momentum: 0,
      probeSize: 1000,
      seeds: { init: 1, order: 1, probe: 1, vectors: 1 },
    });
  });

  it.each(PRESETS.map(({ name }) => name))("resolves preset %s", (name) => {
    expect(resolve({ preset: name })).toMatchObject({ preset: name, name });
  });

  it("keeps the preset's intervals beside those that are given", () => {
    const config = resolve({ preset: "edge", every: { hessian: 25 } });
    expect(config).toMatchObject({ every: { hessian: 25, line: 100, density: 500 } });
  });

  it("turns epochs into steps, the last partial batch counted", () => {
    expect(resolve({ preset: "classic" })).toMatchObject({ steps: 20 * 469 });
    expect(resolve({ preset: "classic", epochs: 0.5 })).toMatchObject({ steps: 235 });
    expect(resolve({ preset: "classic", steps: 7 })).toMatchObject({ steps: 7 });
    expect(resolve({ preset: "edge", epochs: 30 })).toMatchObject({ steps: 30 });
  });

  it("gives all seeds that are not set themselves the one seed", () => {
    expect(resolve({ seed: 4, seedOrder: 5 })).toMatchObject({
      seeds: { init: 4, order: 5, probe: 4, vectors: 4 },
    });
  });

  it("measures on the training set in full batch, and on 2,000 of many", () => {
    expect(resolve({ trainSize: 3000 })).toMatchObject({ probeSize: 3000 });
    expect(resolve({ trainSize: 20_000 })).toMatchObject({ probeSize: 2000 });
    expect(resolve({ probeSize: 9999 })).toMatchObject({ probeSize: 1000 });
  });

  it("finds the task that a data set belongs to", () => {
    expect(resolve({ dataset: "two-spirals" })).toMatchObject({ task: "two-spirals", preset: "spirals" });
    expect(resolve({ dataset: "idx:./fashion" })).toMatchObject({ task: "mnist-mlp", preset: "edge" });
  });

  it("does not give Adam a learning rate that was calibrated for gradient descent", () => {
    expect(resolve({ optimizer: "adam" })).toMatchObject({ learningRate: 0.001 });
    expect(resolve({ optimizer: "adam", learningRate: 0.2 })).toMatchObject({ learningRate: 0.2 });
  });

  it.each<[RunSettings, string]>([
    [
      { preset: "egde" },
      'preset: expected one of edge, catapult, diverge, sgd-edge, adam-edge, classic, fc-199k, lenet, fashion, spirals, autoencoder, teacher, got "egde"; did you mean edge?',
    ],
    [
      { task: "mnist" },
      'task: expected one of mnist-mlp, mnist-mlp-200x200, fashion-mlp, mnist-lenet, two-spirals, mlp, linear-autoencoder, teacher-student, got "mnist"',
    ],
    [{ preset: "edge", task: "two-spirals" }, 'task: expected mnist-mlp for preset edge, got "two-spirals"'],
    [
      { preset: "edge", dataset: "cifar" },
      'dataset: expected mnist or idx:<folder> for task mnist-mlp, got "cifar"',
    ],
    [
      { dataset: "cifar" },
      'dataset: expected mnist, fashion-mnist, two-spirals, gaussian, teacher-student, csv:<file>, npy:<x>,<y> or idx:<folder>, got "cifar"',
    ],
    [{ momentum: 0.9 }, "momentum: expected none for optimizer gd, got 0.9 (momentum and nesterov have it)"],
    [
      { batchSize: 10 },
      "batch-size: expected full for optimizer gd, got 10 (with minibatches its name is sgd)",
    ],
    [
      { preset: "sgd-edge", batchSize: "full" },
      "batch-size: expected fewer than the 1000 training examples for optimizer sgd, got full (with the full batch its name is gd)",
    ],
    [
      { optimizer: "adam", batchSize: 1001 },
      "batch-size: expected at most the 1000 training examples, got 1001",
    ],
    [{ steps: 10, epochs: 1 }, "steps: expected either steps or epochs, got 10 and 1"],
    [{ weightsEvery: 5, every: { weights: 6 } }, "weights-every: expected the 6 of --every weights, got 5"],
  ])("refuses %j", (settings, problem) => {
    expect(resolve(settings)).toEqual([problem]);
  });
});

import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import { openBackend } from "../../server/backends/select.ts";
import type { Backend } from "../../server/engine/backend.ts";
import type { RunSettings } from "../../server/training/config.ts";
import { openRun } from "../../server/training/open-run.ts";
import { importOwn, loadOwnRun } from "../../server/training/own-module.ts";
import { createTraining } from "../../server/training/train.ts";

const path = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const example = fileURLToPath(new URL("../../examples/my-run.js", import.meta.url));
const load = (name: string, settings: RunSettings = {}) => loadOwnRun(path(name), settings);

let backend: Backend;
beforeAll(async () => {
  backend = await openBackend("cpu", { allowNative: false });
});

describe("a module of the user's own", () => {
  it("is trained from the weights that its model holds", async () => {
    const blueprint = await loadOwnRun(example, { steps: 150 });
    expect(blueprint.facts).toMatchObject({
      preset: null,
      task: "own",
      modelSummary: "2-16-16-2 tanh",
      parameterCount: 354,
      loss: { name: "cross-entropy" },
      optimizer: { name: "momentum", learningRate: 0.05, momentum: 0.9 },
      train: { size: 300, fullBatch: true },
      steps: 150,
    });
    expect(blueprint.config).toMatchObject({ name: "noisy circle", every: { hessian: 20 } });
    const { model } = await import(example);
    expect(blueprint.initial.subarray(0, 32)).toEqual(model.layers[0].getWeights()[0].dataSync());

    const run = openRun(blueprint, backend);
    const losses: number[] = [];
    await new Promise<void>((resolve, reject) => {
      createTraining(run).steps$.subscribe({
        next: ({ update }) => losses.push(update?.loss ?? Number.NaN),
        error: reject,
        complete: resolve,
      });
    });
    expect(losses.at(-1)).toBeLessThan(0.9 * (losses[1] ?? 0));
    run.dispose();
  });

  it("may bring a layer and a loss of its own, which each thread finds in it", async () => {
    const blueprint = await load("own-parts.js");
    expect(blueprint.facts.loss).toEqual({
      name: "own",
      formula:
        "L = (1/n) Σ_i ℓ(y_i, z_i), ℓ the module's own loss, by double backprop (bent: no rule of its own, by double backprop)",
    });
    expect(blueprint.facts.parameters.map(({ name }) => name)).toContain("bent/bend");
    const run = openRun(blueprint, backend, await importOwn(blueprint.module));
    const theta = blueprint.initial.map((value, i) => value + 0.3 * Math.sin(i + 1));
    const direction = theta.map((_, i) => Math.cos(3 * i));
    const linearised = run.objective.linearise(theta);
    const found = linearised.hessianVectorProduct(direction);
    linearised.dispose();
    // Smooth, so that differences of exact gradients serve.
    const step = 1e-2;
    const at = (sign: number) =>
      run.objective.gradient(theta.map((value, i) => value + sign * step * (direction[i] as number)))
        .gradient;
    const [ahead, behind] = [at(1), at(-1)];
    const largest = Math.max(...found.map(Math.abs));
    found.forEach((value, i) => {
      const slope = ((ahead[i] as number) - (behind[i] as number)) / (2 * step);
      expect(Math.abs(value - slope)).toBeLessThan(2e-3 * largest);
    });
    run.dispose();
    expect((await load("tensors.js")).module).toBeNull();
  });

  it("may hold a functional model, tensors, typed arrays, targets and settings", async () => {
    const blueprint = await load("tensors.js", { learningRate: 0.4 });
    expect(blueprint.config).toMatchObject({ batchSize: 2, optimizer: "sgd", learningRate: 0.4, steps: 10 });
    expect(blueprint.facts.modelSummary).toBe("2-3-2 relu");
    expect([...blueprint.train.targets]).toEqual([1, 0, 0, 1, 0.5, 0.5]);
    expect([...(blueprint.test?.targets ?? [])]).toEqual([0, 1]);
    const run = openRun(blueprint, backend);
    expect(run.objective.loss(blueprint.initial)).toBeGreaterThan(0);
    run.dispose();
  });
});

const isOfKind = (kind: string) => (layer: tfl.layers.Layer) => layer.getClassName() === kind;

describe("a model with branches, frozen layers and a penalty", () => {
  it("loses the same in every thread as tfjs says, and falls when it is trained", async () => {
    const { model } = await import(path("branches.js"));
    // Not what a copy of the model would start from.
    const [moving] = model.layers.filter(isOfKind("BatchNormalization"));
    const [hidden] = model.layers.filter(isOfKind("Dense"));
    moving.setWeights(
      [
        [1, 2, 3],
        [0, 1, -1],
        [0.5, -0.5, 0],
        [2, 3, 4],
      ].map((values) => tf.tensor1d(values)),
    );
    const blueprint = await load("branches.js", { steps: 40, learningRate: 0.1 });
    expect(blueprint.facts.loss.formula).toContain(
      `+ 0.01·‖${hidden.name}/kernel‖² (frozen batch-norm by its moving statistics; dropout and noise off)`,
    );
    const run = openRun(blueprint, backend);

    const x = tf.tensor2d(Array.from(blueprint.train.inputs), [3, 2]);
    const p = model.predict(x) as tf.Tensor;
    const y = tf.tensor2d(Array.from(blueprint.train.targets), [3, 2]);
    const crossEntropy = tf.neg(tf.mean(tf.sum(tf.mul(y, tf.log(p)), 1)));
    const [kernel] = hidden.getWeights();
    const expected = tf.add(crossEntropy, tf.mul(0.01, tf.sum(tf.square(kernel)))).dataSync()[0] as number;
    expect(run.objective.loss(blueprint.initial)).toBeCloseTo(expected, 5);

    const losses: number[] = [];
    await new Promise<void>((resolve, reject) => {
      createTraining(run).steps$.subscribe({
        next: ({ update }) => losses.push(update?.loss ?? Number.NaN),
        error: reject,
        complete: resolve,
      });
    });
    expect(losses.at(-1)).toBeLessThan(0.9 * (losses[1] ?? 0));
    run.dispose();
  });
});

describe("a bad module", () => {
  it.each([
    [
      "throws.js",
      "module-failed",
      "throws.js:3: TypeError: Cannot read properties of undefined (reading 'dense')",
    ],
    [
      "missing-package.js",
      "module-failed",
      "missing-package.js:2: Cannot find package '@tensorflow/tfjs-nowhere'",
    ],
    ["no-model.js", "module-foreign", "no-model.js: modle: unknown export; did you mean model?"],
    ["parts.js", "module-foreign", "parts.js: model: expected a tfjs-layers model, got undefined"],
    [
      "unbuilt.js",
      "module-foreign",
      "unbuilt.js: model: expected an inputShape of known sizes on its first layer, got none",
    ],
    [
      "bad-label.js",
      "module-foreign",
      "bad-label.js: data.train.labels[2]: expected a class from 0 to 1 (the model has 2 outputs), got 2",
    ],
    [
      "ragged.js",
      "module-foreign",
      "ragged.js: data.train.inputs[1]: expected 2 entries as in the first, got 1",
    ],
    [
      "wrong-width.js",
      "module-foreign",
      "wrong-width.js: data.train.inputs: expected examples of shape [2] (the model's input), got shape [3]",
    ],
    [
      "not-finite.js",
      "module-foreign",
      "not-finite.js: data.train.inputs: expected finite numbers, got NaN at index 3",
    ],
    [
      "bad-optimizer.js",
      "module-foreign",
      "bad-optimizer.js: optimizer.learningrate: unknown; did you mean learningRate?",
    ],
    [
      "bad-loss.js",
      "settings",
      'bad-loss.js: loss: expected one of cross-entropy, mse, half-sum-mse, sigmoid-cross-entropy, huber, got "hinge"',
    ],
    [
      "unknown-layer.js",
      "unsupported-layer",
      'unknown-layer.js: layer "masked" (Masking): no derivative rule',
    ],
    ["nowhere.js", "module-missing", "expected a JavaScript module, found no file"],
    [
      "missing-package.js",
      "module-failed",
      `(a module in ${fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "")}, or in a folder of it, shares the tfjs that Thalweg runs on)`,
    ],
  ])("%s is refused with the reason", async (name, code, message) => {
    await expect(load(name)).rejects.toMatchObject({
      name: "UserError",
      code,
      message: expect.stringContaining(message),
    });
  });

  it("with a syntax error is refused with the line", async () => {
    const folder = await mkdtemp(join(tmpdir(), "thalweg-module-"));
    const file = join(folder, "broken.mjs");
    await copyFile(path("broken-syntax.js.txt"), file);
    await expect(loadOwnRun(file, {})).rejects.toMatchObject({
      code: "module-failed",
      message: "broken.mjs:2: SyntaxError: Unexpected token ';'",
    });
    await rm(folder, { recursive: true });
  });

  it("is no place for settings that it decides itself", async () => {
    await expect(loadOwnRun(example, { hidden: [5], dataset: "mnist" })).rejects.toMatchObject({
      code: "settings",
      message: "dataset, hidden: expected none, because my-run.js decides it",
    });
  });
});

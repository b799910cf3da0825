import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBackend } from "../../server/backends/select.ts";
import type { Dataset } from "../../server/training/data/dataset.ts";
import { fileModel } from "../../server/training/file-model.ts";
import { train } from "../../server/training/from-settings.ts";
import { readModelFile } from "../../server/training/model-file.ts";

const keras3 = (name: string) => fileURLToPath(new URL(`fixtures/keras3/${name}`, import.meta.url));

let folder = "";
beforeAll(async () => {
  await openBackend("cpu", { allowNative: false });
  folder = await mkdtemp(join(tmpdir(), "thalweg-model-"));
});
afterAll(() => rm(folder, { recursive: true }));

function dataOf(exampleShape: readonly number[], outputs: number): Dataset {
  const none = { size: 0, labels: null, targets: null, write() {} };
  return { name: "data", outputs, exampleShape, scaling: "", train: none, test: null };
}

async function load(path: string, dataset: Dataset, isDrawn = false) {
  return fileModel({ file: path, sha256: (await readModelFile(path)).sha256 }, dataset, { isDrawn });
}

describe("a model.json", () => {
  it.each([
    ["chain", [6, 6, 1], 4],
    ["branches", [3], 2],
  ])("of Keras 3, %s, answers as Keras did", async (name, shape, outputs) => {
    const before = tf.memory().numTensors;
    const { model } = await load(keras3(`${name}.json`), dataOf(shape, outputs));
    const answers = JSON.parse(await readFile(keras3(`${name}.answers.json`), "utf8"));
    const given = tf.tensor(answers.inputs, [5, ...shape]);
    const found = model.predict(given) as tf.Tensor;
    const worst = found.dataSync().map((value, i) => Math.abs(value - answers.outputs[i]));
    expect(Math.max(...worst)).toBeLessThan(2e-6);
    tf.dispose([given, found]);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it("of tfjs is trained from the weights that it holds, or from drawn ones when that is said", async () => {
    const path = await saved("saved");
    const settings = {
      model: path,
      dataset: "two-spirals",
      trainSize: 20,
      steps: 2,
      backend: "cpu",
    } as const;
    const training = await train(settings);
    expect([...training.initial]).toEqual(
      [1, 2, 3, 4, 5, 6, 0, 0, 0, 1, -1, 1, -1, 1, -1, 0.5, 0].map(Math.fround),
    );
    const bytes = await Promise.all(
      ["saved.json", "weights.bin"].map((file) => readFile(join(folder, file))),
    );
    const sha256 = createHash("sha256").update(Buffer.concat(bytes)).digest("hex");
    expect(training.config).toMatchObject({ task: "model", model: { file: path, sha256 }, redraw: false });
    expect(training.facts.modelSummary).toBe(`2-3-2 tanh, θ₀ from ${path}`);
    training.dispose();
    const redrawn = await train({ ...settings, redraw: true });
    expect(redrawn.facts.modelSummary).toBe("2-3-2 tanh, θ₀ drawn");
    expect([...redrawn.initial.subarray(6, 9)]).toEqual([0, 0, 0]);
    expect(redrawn.initial[0]).not.toBe(1);
    redrawn.dispose();
  });

  it("takes a preset's data and training, not its layers", async () => {
    const training = await train({
      preset: "spirals",
      model: await saved("saved"),
      trainSize: 20,
      backend: "cpu",
    });
    expect(training.config).toMatchObject({
      optimizer: "momentum",
      dataset: "two-spirals",
      hidden: [],
      activation: null,
    });
    training.dispose();
  });
});

/** 2-3-2, as `model.save` of tfjs-node writes it. */
async function saved(
  name: string,
  change: (json: Record<string, never>) => unknown = (json) => json,
): Promise<string> {
  const model = sequential({
    layers: [layers.dense({ units: 3, activation: "tanh", inputShape: [2] }), layers.dense({ units: 2 })],
  });
  const kernels = [
    tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]),
    tf.zeros([3]),
    tf.tensor2d([1, -1, 1, -1, 1, -1], [3, 2]),
  ];
  model.setWeights([...kernels, tf.tensor1d([0.5, 0])]);
  const path = join(folder, `${name}.json`);
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      await writeFile(join(folder, "weights.bin"), Buffer.from(weightData as ArrayBuffer));
      const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
      const json = JSON.parse(JSON.stringify({ modelTopology, weightsManifest }));
      await writeFile(path, JSON.stringify(change(json)));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    }),
  );
  model.dispose();
  return path;
}

/** With a value put at a place in the JSON. */
const withAt =
  (keys: readonly (string | number)[], value: unknown) =>
  (json: unknown): unknown => {
    const last = keys.at(-1) as string;
    const inner = keys.slice(0, -1).reduce((at, key) => (at as Record<string, unknown>)[key], json);
    (inner as Record<string, unknown>)[last] = value;
    return json;
  };

describe("a model.json that cannot be used", () => {
  const layer = ["modelTopology", "config", "layers", 0];
  it.each([
    [
      "leads outside by ..",
      withAt(["weightsManifest", 0, "paths"], ["../weights.bin"]),
      'expected weight files beside it or in folders below, found "../weights.bin"',
    ],
    [
      "leads outside by an absolute path",
      withAt(["weightsManifest", 0, "paths"], ["/etc/hostname"]),
      'found "/etc/hostname"',
    ],
    [
      "leads outside by a link",
      withAt(["weightsManifest", 0, "paths"], ["link/hostname"]),
      'found "link/hostname"',
    ],
    [
      "leads to another host",
      withAt(["weightsManifest", 0, "paths"], ["https://example.org/w"]),
      'found "https://example.org/w"',
    ],
    [
      "misses its weights",
      withAt(["weightsManifest", 0, "paths"], ["none.bin"]),
      "expected its weights in none.bin, found no such file beside it",
    ],
    [
      "has other sizes than its weights",
      withAt(["weightsManifest", 0, "weights", 0, "shape"], [2, 4]),
      "expected 76 bytes in weights.bin, found 68",
    ],
    [
      "has weights beyond memory",
      withAt(["weightsManifest", 0, "weights", 0, "shape"], [2 ** 20, 2 ** 20]),
      "expected at most 268435456 bytes of weights, found 4398046511148",
    ],
    [
      "has layers beyond memory",
      withAt([...layer, "config", "units"], 2 ** 40),
      "expected a model of at most 20000000 weights, found more",
    ],
    ["has weights for other layers", withAt([...layer, "config", "units"], 4), "tfjs-layers cannot read it"],
    ["has a layer that nobody knows", withAt([...layer, "class_name"], "Oracle"), 'layer "'],
    [
      "has no weights",
      withAt(["weightsManifest"], undefined),
      "expected a weightsManifest, found layers only; --redraw draws θ₀",
    ],
    ["is a graph", withAt(["format"], "graph-model"), "expected a layers model, found a graph model"],
    [
      "is something else",
      () => ({ a: 1 }),
      "expected the modelTopology of a tfjs-layers or Keras model, found none",
    ],
  ])("because it %s is refused in one line", async (_why, change, message) => {
    await mkdir(folder, { recursive: true });
    await symlink("/etc", join(folder, "link")).catch(() => {});
    const path = await saved("bad", change);
    const before = tf.memory().numTensors;
    const failure = await load(path, dataOf([2], 2)).catch((cause: unknown) => cause);
    expect(failure).toMatchObject({ name: "UserError", message: expect.stringContaining(message) });
    expect((failure as Error).message).not.toContain("\n");
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    [dataOf([3], 2), "expected an input for examples of shape [3] as data has them, found [2]"],
    [dataOf([2], 5), "expected 5 outputs as data has classes or targets, found [2]"],
  ])("because the data are not for it is refused", async (dataset, message) => {
    await expect(load(await saved("saved"), dataset)).rejects.toMatchObject({
      message: expect.stringContaining(message),
    });
  });

  it("because it has changed since it was recorded is refused", async () => {
    await expect(
      fileModel({ file: await saved("saved"), sha256: "0" }, dataOf([2], 2), { isDrawn: false }),
    ).rejects.toMatchObject({ code: "data-differ" });
  });
});

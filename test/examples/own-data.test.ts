import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openBackend } from "../../server/backends/select.ts";
import { train } from "../../server/training/from-settings.ts";
import { openRun } from "../../server/training/open-run.ts";
import { loadOwnRun } from "../../server/training/own-module.ts";
import type { Training } from "../../server/training/run.ts";
import { createTraining } from "../../server/training/train.ts";
import { runHere } from "../support/run-here.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Loss before and after. */
function ends({ steps$, objective }: Training): Promise<{ first: number; last: number }> {
  let [first, last] = [Number.NaN, Number.NaN];
  return new Promise((resolve, reject) => {
    steps$.subscribe({
      next: ({ step, theta }) => {
        last = objective.loss(theta);
        if (step === 0) first = last;
      },
      error: reject,
      complete: () => resolve({ first, last }),
    });
  });
}

describe("examples/own-*.json", () => {
  it.each([
    [
      "own-csv.json",
      { task: "mlp", loss: "cross-entropy" },
      "columns x, y as they are, classes of ring: inner, outer",
    ],
    ["own-npy.json", { task: "mlp", loss: "half-sum-mse" }, "<f4 as they are, 2 classes"],
    [
      "own-model.json",
      { task: "model", loss: "cross-entropy" },
      "columns x, y as they are, classes of ring: inner, outer",
    ],
  ])("%s trains on what it names, and the header says on what", async (name, config, preprocessing) => {
    const settings = JSON.parse(await readFile(`${root}/examples/${name}`, "utf8"));
    const training = await train({ ...settings, steps: 60, backend: "cpu" });
    expect(training.config).toMatchObject({ ...config, trainSize: 120 });
    expect(training.facts.probe).toMatchObject({
      dataset: settings.dataset,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      preprocessing,
      isTrainingSet: true,
    });
    const { first, last } = await ends(training);
    expect(last).toBeLessThan(first);
    training.dispose();
  });

  it("holds the same examples in two forms", async () => {
    const sources = [
      { dataset: "csv:examples/rings.csv" },
      { dataset: "npy:examples/rings-x.npy,examples/rings-y.npy" },
    ];
    const [csv, npy] = await Promise.all(sources.map((each) => train({ ...each, backend: "cpu" })));
    expect(npy?.facts.probe.sha256).toBe(csv?.facts.probe.sha256);
    csv?.dispose();
    npy?.dispose();
  });
});

it("examples/streamed-run.js trains on what its generator hands over", async () => {
  const backend = await openBackend("cpu", { allowNative: false });
  const blueprint = await loadOwnRun(`${root}/examples/streamed-run.js`, { steps: 40 });
  expect(blueprint.facts.train).toMatchObject({ size: 1600, fullBatch: true });
  const run = openRun(blueprint, backend);
  const { first, last } = await ends(createTraining(run));
  expect(last).toBeLessThan(first);
  run.dispose();
});

describe("the command line", { timeout: 60_000 }, () => {
  it("lists tasks with their networks and data, and takes a model.json for its Hessian", async () => {
    const model = "examples/own-model/model.json";
    const tasks = await runHere(["tasks", "--json"]);
    const hessian = await runHere([
      "hessian",
      model,
      "--dataset",
      "csv:examples/rings.csv",
      "--exact",
      "--json",
    ]);
    const nothing = await runHere(["hessian", model]);
    const listed = JSON.parse(tasks.out) as {
      name: string;
      parameters: number | null;
      stepsPerSecond?: number;
    }[];
    expect(Object.fromEntries(listed.map(({ name, parameters }) => [name, parameters]))).toEqual({
      "mnist-mlp": 79_510,
      "mnist-mlp-200x200": 199_210,
      "fashion-mlp": 79_510,
      "mnist-lenet": 61_706,
      "two-spirals": 1218,
      "linear-autoencoder": 160,
      "teacher-student": 97,
      mlp: null,
    });
    expect(listed.every(({ stepsPerSecond }) => stepsPerSecond === undefined)).toBe(true);
    const { top, exact, parameterCount } = JSON.parse(hessian.out);
    expect(parameterCount).toBe(82);
    expect(Math.abs(top[0].value - exact[0])).toBeLessThan(top[0].residual + 1e-6 * exact[0]);
    expect(nothing).toEqual({
      code: 2,
      out: "",
      err: "thalweg: hessian: expected --dataset, --preset or --config with examples/own-model/model.json: they say which data the model is for\n",
    });
  });
});

import { afterEach, describe, expect, it } from "vitest";
import type { RunSettings } from "../../../server/training/config.ts";
import { GAUSSIAN_SPECTRUM } from "../../../server/training/data/gaussian.ts";
import { drawTeacher } from "../../../server/training/data/teacher-student.ts";
import { train } from "../../../server/training/from-settings.ts";
import type { Training } from "../../../server/training/run.ts";
import { denseEigenvalues, denseMatrix } from "../../support/dense-matrix.ts";

const open: Training[] = [];
afterEach(() => {
  for (const training of open.splice(0)) training.dispose();
});

async function opened(settings: RunSettings): Promise<Training> {
  const training = await train({ backend: "wasm", ...settings });
  open.push(training);
  return training;
}

/** Of the examples that made each update: in full batch L(θ₀), L(θ₁), … */
function updateLosses({ steps$ }: Training): Promise<number[]> {
  const losses: number[] = [];
  return new Promise((resolve, reject) => {
    steps$.subscribe({
      next: ({ update }) => update !== null && losses.push(update.loss),
      error: reject,
      complete: () => resolve(losses),
    });
  });
}

describe("mnist-mlp-200x200", () => {
  it("is what the preset fc-199k trains, with 199,210 weights", async () => {
    const { facts, parameters } = await opened({ task: "mnist-mlp-200x200", trainSize: 200, probeSize: 20 });
    expect(facts).toMatchObject({
      preset: "fc-199k",
      parameterCount: 199_210,
      modelSummary: "784-200-200-10 relu",
    });
    expect(parameters.map(({ shape }) => shape)).toEqual([
      [784, 200],
      [200],
      [200, 200],
      [200],
      [200, 10],
      [10],
    ]);
  });
});

describe("mnist-lenet", () => {
  it("has the 61,706 weights of LeNet-5 with full connections, and learns", async () => {
    const training = await opened({
      task: "mnist-lenet",
      trainSize: 50,
      probeSize: 50,
      batchSize: 25,
      steps: 12,
    });
    expect(training.facts).toMatchObject({
      preset: "lenet",
      parameterCount: 61_706,
      modelSummary: "LeNet-5 28×28×1-6-16-120-84-10 tanh",
    });
    const counts = training.parameters.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
    expect(counts).toEqual([150, 6, 2400, 16, 48_000, 120, 10_080, 84, 840, 10]);
    const losses = await updateLosses(training);
    expect(losses.at(-1)).toBeLessThan(0.9 * (losses[0] as number));
  });
});

describe("linear-autoencoder", () => {
  const k = 4;
  const d = GAUSSIAN_SPECTRUM.length;
  const lambda = (i: number) => GAUSSIAN_SPECTRUM[i] as number;
  const lossWithout = (kept: readonly number[]) =>
    GAUSSIAN_SPECTRUM.reduce((sum, value, i) => sum + (kept.includes(i) ? 0 : value / 2), 0);

  /** W₁ takes the chosen coordinates, which are the eigenvectors, and W₂ puts them back. */
  function critical(kept: readonly number[]): Float32Array {
    const theta = new Float32Array(2 * d * k);
    for (const [j, i] of kept.entries()) {
      theta[i * k + j] = 1;
      theta[d * k + j * d + i] = 1;
    }
    return theta;
  }

  /**
   * All eigenvalues of the Hessian there, descending. In the basis of eigenvectors vᵀHv falls apart: for each ordered pair of kept i, j it is
   * λ_j(a + c)²; for each kept j and discarded b it is λ_j·β² − 2λ_b·βδ + λ_b·δ².
   */
  function spectrum(kept: readonly number[]): number[] {
    const values = kept.flatMap((i) => kept.flatMap(() => [0, 2 * lambda(i)]));
    for (let b = 0; b < d; b++) {
      if (kept.includes(b)) continue;
      for (const j of kept) {
        const root = Math.hypot(lambda(j) - lambda(b), 2 * lambda(b));
        values.push((lambda(j) + lambda(b) + root) / 2, (lambda(j) + lambda(b) - root) / 2);
      }
    }
    return values.sort((x, y) => y - x);
  }

  it.each([
    ["the global minimum", [0, 1, 2, 3], 0],
    ["a saddle without the first eigenvector", [1, 2, 3, 4], 4],
    ["a saddle far up", [2, 6, 11, 19], 32],
  ])("has at %s the loss, gradient and Hessian that are known", async (_where, kept, index) => {
    const { objective } = await opened({ task: "linear-autoencoder", trainSize: 60 });
    const at = objective.linearise(critical(kept));
    expect(at.loss).toBeCloseTo(lossWithout(kept), 5);
    expect(Math.max(...at.gradient.map(Math.abs))).toBeLessThan(2e-6);
    const measured = denseEigenvalues(denseMatrix(2 * d * k, at.hessianVectorProduct));
    const known = spectrum(kept);
    expect(Math.max(...measured.map((value, i) => Math.abs(value - (known[i] as number))))).toBeLessThan(
      3e-6,
    );
    expect(known.filter((value) => value < 0)).toHaveLength(index);
    at.dispose();
  });

  it.each([
    [[4], 0.2, 2000, 2e-3],
    [[8, 4], 0.2, 400, 0.1],
  ])(
    "falls towards the global minimum when it is trained, and never below: hidden %j",
    async (hidden, learningRate, steps, within) => {
      const task = "linear-autoencoder";
      const losses = await updateLosses(
        await opened({ task, trainSize: 60, hidden, learningRate, steps, backend: "cpu" }),
      );
      const least = lossWithout([0, 1, 2, 3]);
      expect(losses.at(-1)).toBeLessThan(least + within);
      expect(Math.min(...losses)).toBeGreaterThan(least - 1e-6);
    },
  );

  it("gives back any examples: digits, centred", async () => {
    const training = await opened({
      task: "linear-autoencoder",
      dataset: "mnist",
      center: "mean",
      trainSize: 30,
      learningRate: 0.01,
      steps: 2,
    });
    const { probe, parameters, modelSummary } = training.facts;
    expect(modelSummary).toBe("784-4-784 linear, no biases");
    expect(probe.preprocessing).toBe(
      "pixels / 255, minus the mean of the training examples; targets are the inputs",
    );
    expect(parameters.map(({ shape }) => shape)).toEqual([
      [784, 4],
      [4, 784],
    ]);
  });
});

describe("teacher-student", () => {
  it("has loss 0 where the student is the teacher", async () => {
    const { objective, testObjective } = await opened({
      task: "teacher-student",
      hidden: [4],
      trainSize: 80,
    });
    const { kernel, units } = drawTeacher(1);
    const theta = Float32Array.from([...kernel, ...new Array(units).fill(0), ...new Array(units).fill(1), 0]);
    for (const each of [objective, testObjective]) expect(each?.loss(theta)).toBeLessThan(1e-12);
    theta[0] = (theta[0] as number) + 0.1;
    expect(objective.loss(theta)).toBeGreaterThan(1e-4);
  });

  it("learns most of what its teacher says", async () => {
    const losses = await updateLosses(
      await opened({ task: "teacher-student", trainSize: 80, steps: 300, backend: "cpu" }),
    );
    expect(losses.at(-1)).toBeLessThan(0.1 * (losses[0] as number));
  });
});

it.each<[RunSettings, string]>([
  [
    { task: "mnist-mlp-200x200", hidden: [100] },
    "hidden: expected 200,200 for task mnist-mlp-200x200, got [100]",
  ],
  [{ task: "mnist-lenet", hidden: [100] }, "hidden: expected none for task mnist-lenet, got [100]"],
  [
    { task: "linear-autoencoder", activation: "relu" },
    'activation: expected none for task linear-autoencoder, got "relu"',
  ],
  [
    { task: "teacher-student", dataset: "mnist" },
    'dataset: expected teacher-student for task teacher-student, got "mnist"',
  ],
  [
    { task: "linear-autoencoder", trainSize: 20 },
    "train-size: expected more than the 20 dimensions of dataset gaussian, got 20",
  ],
  [
    { task: "mnist-mlp", label: "y" },
    'label: expected none for dataset mnist, got "y" (CSV files have columns)',
  ],
  [{ task: "mnist-mlp", redraw: true }, "redraw: expected none without --model, whose weights it is about"],
])("refuses %j in one sentence", async (settings, message) => {
  await expect(train({ backend: "cpu", ...settings })).rejects.toMatchObject({ name: "UserError", message });
});

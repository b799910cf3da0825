/** A small session header that is valid throughout; tests say only what matters to them. */
import type { SessionHeader } from "../../shared/header.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";

export function buildDescriptor(name: string, changes: Partial<StreamDescriptor> = {}): StreamDescriptor {
  return {
    name,
    title: name,
    about: `What ${name} is.`,
    unit: "1",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "theta",
    cadence: { kind: "step" },
    fields: [{ path: "", label: name, unit: "1", scale: "linear" }],
    ...changes,
  };
}

/** Channels: 0 train/loss, 1 train/weights, 2 train/state, 3 hessian/eigenvalues, 4 run/status, 5 run/overhead. */
export const testChannels: readonly StreamDescriptor[] = [
  buildDescriptor("train/loss", { on: "minibatch", needs: "trainer" }),
  buildDescriptor("train/weights", {
    encoding: "f32",
    heavy: true,
    on: "theta",
    cadence: { kind: "logged", every: 1 },
    fields: [],
  }),
  buildDescriptor("train/state", { encoding: "bytes", heavy: true, needs: "trainer", fields: [] }),
  buildDescriptor("hessian/eigenvalues", {
    needs: "objective",
    cadence: { kind: "scheduled", every: 10 },
    fields: [{ path: "top.*.value", label: "λ", unit: "loss·θ⁻²", scale: "linear" }],
  }),
  buildDescriptor("run/status", { on: "run", cadence: { kind: "event" }, fields: [] }),
  buildDescriptor("run/overhead", { on: "run", cadence: { kind: "interval", everyMs: 1000 }, fields: [] }),
];

export function buildHeader(changes: Partial<SessionHeader> = {}): SessionHeader {
  const parameterCount = changes.parameterCount ?? 6;
  return {
    formatVersion: 1,
    id: "0123456789abcdef0123456789abcdef",
    name: "a test",
    startedAtMs: 1_700_000_000_000,
    config: { steps: 100, learningRate: 0.1 },
    preset: null,
    task: "two-spirals",
    seeds: { init: 1, order: 2, probe: 3, vectors: 4 },
    model: { class_name: "Sequential" },
    modelSummary: "2-3 tanh",
    loss: { name: "mse", formula: "mean over examples and outputs of (y − ŷ)²" },
    parameters: [{ name: "dense/kernel", layer: "dense", shape: [parameterCount], offset: 0 }],
    parameterCount,
    probe: {
      dataset: "two-spirals",
      sha256: "0".repeat(64),
      split: "train",
      size: 4,
      isTrainingSet: true,
      indices: [0, 1, 2, 3],
      preprocessing: "none",
    },
    train: {
      dataset: "two-spirals",
      size: 4,
      batchSize: 4,
      fullBatch: true,
      shuffling: "none",
      lastBatch: "kept",
    },
    optimizer: { name: "gd", learningRate: 0.1, rule: "θ ← θ − ηg" },
    steps: 100,
    schedule: { every: { hessian: 10 }, chosenBy: "given", bestEffort: false, costsMs: { hessian: 1.5 } },
    weightsEvery: 1,
    backend: "cpu",
    selfTest: { backend: "cpu", gradientError: 1e-8, hvpError: 1e-7, asymmetry: 1e-8, passed: true },
    versions: { thalweg: "0.1.0", node: "20.19.0" },
    channels: [...testChannels],
    ...changes,
  };
}

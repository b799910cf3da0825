import type { SessionHeader } from "../../shared/header.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";

/** A channel, with as little as a test needs to say of it. */
export function descriptor(name: string, rest: Partial<StreamDescriptor> = {}): StreamDescriptor {
  return {
    name,
    title: name,
    about: "A channel of a test.",
    unit: "1",
    encoding: "json",
    heavy: false,
    on: "run",
    needs: "trainer",
    cadence: { kind: "step" },
    fields: [{ path: "", label: name, unit: "1", scale: "linear" }],
    ...rest,
  };
}

export function sessionHeader(rest: Partial<SessionHeader> = {}): SessionHeader {
  const { parameterCount = 4 } = rest;
  return {
    formatVersion: 1,
    id: "0123456789abcdef0123456789abcdef",
    name: "test",
    startedAtMs: 1_700_000_000_000,
    config: { preset: "edge" },
    preset: "edge",
    task: "mnist-mlp",
    seeds: { init: 1, order: 2, probe: 3, vectors: 4 },
    model: { class_name: "Sequential" },
    modelSummary: "2-2 tanh",
    loss: { name: "mse", formula: "mean (y − ŷ)²" },
    parameters: [{ name: "dense/kernel", layer: "dense", shape: [parameterCount], offset: 0 }],
    parameterCount,
    probe: {
      dataset: "two-spirals",
      sha256: "00",
      split: "train",
      size: 2,
      isTrainingSet: true,
      indices: [0, 1],
      preprocessing: "none",
    },
    train: {
      dataset: "two-spirals",
      size: 2,
      batchSize: 2,
      fullBatch: true,
      shuffling: "none",
      lastBatch: "kept",
    },
    optimizer: { name: "gd", learningRate: 0.1, rule: "θ ← θ − ηg" },
    steps: 100,
    schedule: { every: {}, chosenBy: "given", bestEffort: false, costsMs: {} },
    weightsEvery: 1,
    backend: "cpu",
    selfTest: { backend: "cpu", gradientError: 0, hvpError: 0, asymmetry: 0, passed: true },
    versions: { thalweg: "0.1.0" },
    channels: [descriptor("train/loss")],
    ...rest,
  };
}

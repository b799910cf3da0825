/** The header of a session that holds nothing but θ. */
import type { SessionHeader } from "../shared/header.ts";

export function weightsHeader(parameterCount: number): SessionHeader {
  return {
    formatVersion: 1,
    id: "0".repeat(32),
    name: "codec",
    startedAtMs: Date.now(),
    config: {},
    preset: null,
    task: "none",
    seeds: { init: 0, order: 0, probe: 0, vectors: 0 },
    model: null,
    modelSummary: "784-200-200-10",
    loss: { name: "none", formula: "" },
    parameters: [],
    parameterCount,
    probe: {
      dataset: "none",
      sha256: "",
      split: "",
      size: 0,
      isTrainingSet: false,
      indices: [],
      preprocessing: "",
    },
    train: { dataset: "none", size: 0, batchSize: 0, fullBatch: false, shuffling: "", lastBatch: "" },
    optimizer: {},
    steps: 0,
    schedule: { every: {}, chosenBy: "given", bestEffort: false, costsMs: {} },
    weightsEvery: 1,
    backend: "none",
    selfTest: { backend: "none", gradientError: 0, hvpError: 0, asymmetry: 0, passed: true },
    versions: {},
    channels: [
      {
        name: "train/weights",
        title: "Weights",
        about: "θ",
        unit: "θ",
        encoding: "f32",
        heavy: true,
        on: "theta",
        needs: "theta",
        cadence: { kind: "logged", every: 1 },
        fields: [],
      },
    ],
  };
}

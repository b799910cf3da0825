/** The header of a session that no run made: of the size and the channels that a bench needs, the rest empty. */
import type { SessionHeader } from "../shared/header.ts";

export function emptyHeader(
  its: Pick<SessionHeader, "id" | "name" | "channels"> & Partial<SessionHeader>,
): SessionHeader {
  return {
    formatVersion: 1,
    startedAtMs: 0,
    config: {},
    preset: null,
    task: "none",
    seeds: { init: 0, order: 0, probe: 0, vectors: 0 },
    model: null,
    modelSummary: "none",
    loss: { name: "none", formula: "none" },
    parameters: [],
    parameterCount: 0,
    probe: {
      dataset: "none",
      sha256: "",
      split: "",
      size: 0,
      isTrainingSet: false,
      indices: [],
      preprocessing: "",
    },
    train: { dataset: "none", size: 0, batchSize: 0, fullBatch: true, shuffling: "", lastBatch: "" },
    optimizer: {},
    steps: 0,
    schedule: { every: {}, chosenBy: "given", bestEffort: false, costsMs: {} },
    weightsEvery: 1,
    backend: "none",
    selfTest: { backend: "none", gradientError: 0, hvpError: 0, asymmetry: 0, passed: true },
    versions: {},
    ...its,
  };
}

/** The header of a session that holds nothing but θ. */
import type { SessionHeader } from "../shared/header.ts";
import { emptyHeader } from "./empty-header.ts";

export function weightsHeader(parameterCount: number): SessionHeader {
  return emptyHeader({
    id: "0".repeat(32),
    name: "codec",
    startedAtMs: Date.now(),
    modelSummary: "784-200-200-10",
    parameters: [{ name: "theta", layer: "all", shape: [parameterCount], offset: 0 }],
    parameterCount,
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
  });
}

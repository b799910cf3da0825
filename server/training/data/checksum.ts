import { createHash } from "node:crypto";
import type { Examples } from "../run.ts";
import { labelsOf, selectExamples } from "./examples.ts";

/**
 * sha256 of the chosen examples as little-endian bytes: inputs as float32, then labels as int32 (for regression: targets as float32).
 * Anybody with the data can compute it, whatever the machine.
 */
export function examplesChecksum(examples: Examples, indices: Uint32Array): string {
  const chosen = selectExamples(examples, indices);
  return createHash("sha256")
    .update(littleEndian(chosen.inputs))
    .update(littleEndian(labelsOf(chosen) ?? chosen.targets))
    .digest("hex");
}

function littleEndian(values: Float32Array | Int32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    if (values instanceof Float32Array) view.setFloat32(4 * i, value, true);
    else view.setInt32(4 * i, value, true);
  });
  return new Uint8Array(view.buffer);
}

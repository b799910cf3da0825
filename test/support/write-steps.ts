/** A made-up training run for a log: a sample on every channel that {@link testChannels} has. */

import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import type { SessionLog } from "../../server/session/log.ts";
import { encodeValue } from "../../shared/value.ts";
import { testChannels } from "./build-header.ts";

export const allChannels: ReadonlySet<number> = new Set(testChannels.keys());

/** Values that move a little from step to step, with the floats that a codec may stumble over among them. */
export function thetaAt(step: number, parameterCount: number): Float32Array {
  const theta = Float32Array.from({ length: parameterCount }, (_, i) => Math.sin(i + 1) * (1 + step * 1e-3));
  if (parameterCount > 3) theta.set([Number.NaN, Number.POSITIVE_INFINITY, -0], step % 3 === 0 ? 0 : 1);
  return theta;
}

export async function appendSteps(log: SessionLog, stepCount: number): Promise<void> {
  const { parameterCount } = log.header;
  const encoder = new WeightEncoder(parameterCount);
  for (let step = 0; step < stepCount; step++) {
    log.append(0, step, { json: encodeValue(step === 5 ? Number.NaN : 1 / (step + 1)) });
    log.append(1, step, { weights: encoder.encode(thetaAt(step, parameterCount)) });
    if (step % 20 === 0) log.append(2, step, { bytes: Uint8Array.of(step, 2, 3) });
    if (step % 10 === 0)
      log.append(3, step, { json: encodeValue({ top: [{ value: step, residual: 1e-3 }] }) });
    if (step % 30 === 0)
      log.append(4, step, { json: encodeValue({ level: "info", code: "note", message: "„θ“ 🙂" }) });
    if (step % 7 === 0) await log.flush();
  }
  await log.flush();
}

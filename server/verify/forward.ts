/** The way through a network in float64, and what each layer leaves behind for the way back. */
import { activations, type Curve } from "./activations.ts";
import { UNIT_ROUNDOFF } from "./float32.ts";
import { kernelAffine } from "./kernel.ts";
import type { Affine, Below, Layer, Passed } from "./layers.ts";
import { poolingAffine } from "./pooling.ts";

/**
 * @param kinkAt  where float32 cannot tell, one side is taken: below 0 relu's derivative is 1 and the first of the largest is the largest,
 *   above 0 it is 0 and the last is; at 0 as z says.
 */
export function pass(layer: Layer, below: Below, theta: Float64Array, kinkAt: number): Passed {
  const { z, ...linearised } =
    layer.kind === "kernel" ? kernelAffine(layer, below, theta) : poolingAffine(layer, below, kinkAt);
  return { ...linearised, layer, ...activate(layer, { z, ...linearised }, kinkAt) };
}

function activate({ activation: name }: Layer, { z, off, ties }: Affine, kinkAt: number) {
  const activation = activations[name] as (typeof activations)[string];
  const output = new Float64Array(z.length);
  const first = new Float64Array(z.length);
  const second = new Float64Array(z.length);
  const curve: Curve = { value: 0, first: 0, second: 0 };
  let kinks = ties;
  for (let at = 0; at < z.length; at++) {
    const value = z[at] as number;
    activation.at(value, curve);
    output[at] = curve.value;
    first[at] = curve.first;
    second[at] = curve.second;
    if (!activation.kinked || Math.abs(value) > 4 * UNIT_ROUNDOFF * (off[at] as number)) continue;
    kinks++;
    if (kinkAt !== 0) first[at] = kinkAt < 0 ? 1 : 0;
  }
  return { output, first, second, kinks };
}

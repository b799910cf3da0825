/** The way through a dense network in float64, and what each layer leaves behind for the way back. */
import { activations, type Curve } from "./activations.ts";
import { UNIT_ROUNDOFF } from "./float32.ts";
import type { Inputs } from "./inputs.ts";
import type { DenseLayer } from "./network.ts";
import { addProduct, norm } from "./products.ts";

/** What one layer left behind on the way through. */
export interface Passed {
  readonly layer: DenseLayer;
  /** Its input, [n × inputs]; null for the examples themselves. */
  readonly below: Float64Array | null;
  /** ‖(h_i, 1)‖ of that input, [n]. */
  readonly norms: Float64Array;
  /** φ′(z) and φ″(z), [n × outputs]. */
  readonly first: Float64Array;
  readonly second: Float64Array;
  /** What float32 is off by in z, in units of u, [n × outputs]. */
  readonly off: Float64Array;
  /** Of its activations, those so near a kink that float32 may stand on the other side. */
  readonly kinks: number;
  /** ‖(W, b)‖_F. */
  readonly frobenius: number;
}

/**
 * @param kinkAt  below 0: relu's derivative is 1 wherever z is too near 0 to tell, above 0: there it is 0, at 0: as z says.
 * @returns what the layer leaves behind, and its output [n × outputs].
 */
export function pass(
  layer: DenseLayer,
  below: Float64Array | null,
  inputs: Inputs,
  theta: Float64Array,
  kinkAt: number,
): { readonly passed: Passed; readonly output: Float64Array } {
  const norms = normsOf(below, inputs, layer.inputs);
  const columns = columnNorms(layer, theta);
  const z = affine(layer, below, inputs, theta);
  const off = z.map((value, at) => {
    const mixed = (norms[Math.floor(at / layer.outputs)] as number) * (columns[at % layer.outputs] as number);
    return Math.sqrt(mixed * mixed + (value * value * layer.inputs) / 3);
  });
  const { output, first, second, kinks } = activate(layer, z, kinkAt, off);
  return { passed: { layer, below, norms, first, second, off, kinks, frobenius: norm(columns) }, output };
}

/** hW + b with W and b from `theta`, new. */
export function affine(
  { inputs: width, outputs, kernelAt, biasAt }: DenseLayer,
  below: Float64Array | null,
  inputs: Inputs,
  theta: Float64Array,
): Float64Array {
  const z = new Float64Array(inputs.size * outputs);
  if (biasAt !== null) for (let at = 0; at < z.length; at++) z[at] = theta[biasAt + (at % outputs)] as number;
  if (below === null) inputs.addTimes(theta, outputs, z, kernelAt);
  else addProduct(below, theta, [inputs.size, width, outputs], z, kernelAt);
  return z;
}

function activate({ activation: name }: DenseLayer, z: Float64Array, kinkAt: number, off: Float64Array) {
  const activation = activations[name] as (typeof activations)[string];
  const output = new Float64Array(z.length);
  const first = new Float64Array(z.length);
  const second = new Float64Array(z.length);
  const curve: Curve = { value: 0, first: 0, second: 0 };
  let kinks = 0;
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

function normsOf(below: Float64Array | null, inputs: Inputs, width: number): Float64Array {
  if (below === null) return inputs.squares.map((squares) => Math.sqrt(1 + squares));
  const norms = new Float64Array(below.length / width);
  for (let i = 0; i < norms.length; i++) {
    let squares = 1;
    for (let at = i * width; at < (i + 1) * width; at++) squares += (below[at] as number) ** 2;
    norms[i] = Math.sqrt(squares);
  }
  return norms;
}

function columnNorms({ inputs, outputs, kernelAt, biasAt }: DenseLayer, theta: Float64Array): Float64Array {
  const squares = new Float64Array(outputs);
  for (let at = 0; at < inputs * outputs; at++)
    squares[at % outputs] = (squares[at % outputs] as number) + (theta[kernelAt + at] as number) ** 2;
  if (biasAt !== null)
    for (let k = 0; k < outputs; k++)
      squares[k] = (squares[k] as number) + (theta[biasAt + k] as number) ** 2;
  return squares.map(Math.sqrt);
}

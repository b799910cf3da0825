/** Dense layers and convolutions: rows, which are the input or its windows, times a kernel, and a bias. Linear in either. */
import { Inputs } from "./inputs.ts";
import type { Affine, Below, KernelLayer } from "./layers.ts";
import { addProductTransposed, matrixRows, norm, type Rows } from "./products.ts";
import { addToWindows, windowRows } from "./windows.ts";

export function kernelAffine(layer: KernelLayer, below: Below, theta: Float64Array): Affine {
  const { inputs, outputs, terms, filters, kernelAt, windows } = layer;
  const rows = rowsBelow(layer, below);
  const norms = rows.squares.map((squares) => Math.sqrt(1 + squares));
  const columns = columnNorms(layer, theta);
  const affine = (w: Float64Array): Float64Array => {
    const z = new Float64Array(norms.length * filters);
    addBias(layer, w, z);
    rows.addTimes(w, filters, z, kernelAt);
    return z;
  };
  const addBack = (zBar: Float64Array, w: Float64Array, out: Float64Array) => {
    if (windows !== null) addToWindows(out, inputs, windows, zBar, filters, w, kernelAt);
    else addProductTransposed(zBar, w, [zBar.length / outputs, terms, filters], out, kernelAt);
  };
  const z = affine(theta);
  return {
    z,
    off: offOf(z, norms, columns, terms),
    ties: 0,
    norms,
    frobenius: windows === null ? norm(columns) : slidFrobenius(layer, theta),
    tangent(v, hDot) {
      const zDot = affine(v);
      if (hDot !== null) rowsOf(layer, hDot).addTimes(theta, filters, zDot, kernelAt);
      return zDot;
    },
    addGradient(zBar, out) {
      rows.addTransposedTimes(zBar, filters, out, kernelAt);
      addBiasGradient(layer, zBar, out);
    },
    addBack: (zBar, hBar) => addBack(zBar, theta, hBar),
    addCurvature(v, hDot, zBar, out, hBarDot) {
      if (hDot !== null) rowsOf(layer, hDot).addTransposedTimes(zBar, filters, out, kernelAt);
      if (hBarDot !== null) addBack(zBar, v, hBarDot);
    },
  };
}

function rowsBelow(layer: KernelLayer, below: Below): Rows {
  if (!(below instanceof Inputs)) return rowsOf(layer, below.output);
  return layer.windows === null ? below : rowsOf(layer, below.matrix());
}

function rowsOf({ windows, inputs }: KernelLayer, h: Float64Array): Rows {
  return windows === null ? matrixRows(h, inputs) : windowRows(h, inputs, windows);
}

function addBias({ filters, biasAt }: KernelLayer, theta: Float64Array, z: Float64Array): void {
  if (biasAt === null) return;
  for (let at = 0; at < z.length; at += filters)
    for (let k = 0; k < filters; k++) z[at + k] = (z[at + k] as number) + (theta[biasAt + k] as number);
}

function addBiasGradient({ filters, biasAt }: KernelLayer, zBar: Float64Array, out: Float64Array): void {
  if (biasAt === null) return;
  for (let at = 0; at < zBar.length; at += filters)
    for (let k = 0; k < filters; k++)
      out[biasAt + k] = (out[biasAt + k] as number) + (zBar[at + k] as number);
}

function offOf(z: Float64Array, norms: Float64Array, columns: Float64Array, terms: number): Float64Array {
  const off = new Float64Array(z.length);
  const filters = columns.length;
  for (let row = 0; row < norms.length; row++) {
    for (let k = 0; k < filters; k++) {
      const value = z[row * filters + k] as number;
      const mixed = (norms[row] as number) * (columns[k] as number);
      off[row * filters + k] = Math.sqrt(mixed * mixed + (value * value * terms) / 3);
    }
  }
  return off;
}

/** ‖(w, b)‖ of each column of the kernel. */
function columnNorms({ terms, filters, kernelAt, biasAt }: KernelLayer, theta: Float64Array): Float64Array {
  const squares = new Float64Array(filters);
  for (let at = 0; at < terms * filters; at++)
    squares[at % filters] = (squares[at % filters] as number) + (theta[kernelAt + at] as number) ** 2;
  if (biasAt !== null)
    for (let k = 0; k < filters; k++)
      squares[k] = (squares[k] as number) + (theta[biasAt + k] as number) ** 2;
  return squares.map(Math.sqrt);
}

/** ‖·‖_F of the matrix that a convolution of one picture is: each entry of the kernel as often as it lies inside. */
function slidFrobenius(
  { terms, filters, kernelAt, biasAt, windows }: KernelLayer,
  theta: Float64Array,
): number {
  const often = new Float64Array(terms);
  const entries = windows?.entries ?? new Int32Array(terms);
  for (const [k, entry] of entries.entries())
    if (entry >= 0) often[k % terms] = (often[k % terms] as number) + 1;
  let squares = 0;
  for (let at = 0; at < terms * filters; at++)
    squares += (often[Math.floor(at / filters)] as number) * (theta[kernelAt + at] as number) ** 2;
  if (biasAt !== null)
    for (let k = 0; k < filters; k++)
      squares += (entries.length / terms) * (theta[biasAt + k] as number) ** 2;
  return Math.sqrt(squares);
}

/** Means and maxima over the windows of a picture, channel by channel. No parameters, and linear around each point. */
import { UNIT_ROUNDOFF } from "./float32.ts";
import { Inputs } from "./inputs.ts";
import type { Affine, Below, PoolingLayer } from "./layers.ts";

/** @param kinkAt  of largest entries that float32 cannot tell apart, below 0 the first is taken, above 0 the last, at 0 the largest. */
export function poolingAffine(layer: PoolingLayer, below: Below, kinkAt: number): Affine {
  return layer.kind === "mean" ? meanAffine(layer, below) : maxAffine(layer, below, kinkAt);
}

/** What has no parameters, and no curvature. */
const bare = { addGradient: () => undefined, addCurvature: () => undefined } as const;

function meanAffine(layer: PoolingLayer, below: Below): Affine {
  const { inputs, outputs } = layer;
  const h = below instanceof Inputs ? below.matrix() : below.output;
  const n = h.length / inputs;
  const { starts, inside } = insideOf(layer);
  const means = (a: Float64Array): Float64Array => {
    const result = new Float64Array(n * outputs);
    for (let i = 0, at = 0; i < n; i++) {
      for (let j = 0; j < outputs; j++, at++) {
        const [from, to] = [starts[j] as number, starts[j + 1] as number];
        let sum = 0;
        for (let k = from; k < to; k++) sum += a[i * inputs + (inside[k] as number)] as number;
        result[at] = sum / (to - from);
      }
    }
    return result;
  };
  const z = means(h);
  const squares = means(h.map((value) => value * value));
  let ofMap = 0;
  for (let j = 0; j < outputs; j++) ofMap += 1 / ((starts[j + 1] as number) - (starts[j] as number));
  return {
    ...bare,
    z,
    // As any sum of products, with 1/m for each factor.
    off: z.map((value, at) => {
      const m = (starts[(at % outputs) + 1] as number) - (starts[at % outputs] as number);
      return Math.sqrt((squares[at] as number) / m + (value * value * m) / 3);
    }),
    ties: 0,
    norms: new Float64Array(n),
    frobenius: Math.sqrt(ofMap),
    tangent: (_v, hDot) => (hDot === null ? new Float64Array(z.length) : means(hDot)),
    addBack(zBar, hBar) {
      for (let i = 0, at = 0; i < n; i++) {
        for (let j = 0; j < outputs; j++, at++) {
          const [from, to] = [starts[j] as number, starts[j + 1] as number];
          const share = (zBar[at] as number) / (to - from);
          for (let k = from; k < to; k++) {
            const entry = i * inputs + (inside[k] as number);
            hBar[entry] = (hBar[entry] as number) + share;
          }
        }
      }
    },
  };
}

function maxAffine(layer: PoolingLayer, below: Below, kinkAt: number): Affine {
  const { inputs, outputs } = layer;
  const h = below instanceof Inputs ? below.matrix() : below.output;
  const n = h.length / inputs;
  const { starts, inside } = insideOf(layer);
  const [z, off] = [new Float64Array(n * outputs), new Float64Array(n * outputs)];
  /** The entry of h that each output is. */
  const chosen = new Int32Array(n * outputs);
  const offAt = blurOf(below);
  let ties = 0;
  for (let at = 0; at < z.length; at++) {
    const [base, j] = [Math.floor(at / outputs) * inputs, at % outputs];
    const [from, to] = [starts[j] as number, starts[j + 1] as number];
    let top = base + (inside[from] as number);
    for (let k = from + 1; k < to; k++) {
      const entry = base + (inside[k] as number);
      if ((h[entry] as number) > (h[top] as number)) top = entry;
    }
    let [first, last] = [top, top];
    for (let k = from; k < to; k++) {
      const entry = base + (inside[k] as number);
      if (!isTied(below, h, top, entry, offAt)) continue;
      first = Math.min(first, entry);
      last = Math.max(last, entry);
    }
    if (first !== last) ties++;
    z[at] = h[top] as number;
    off[at] = offAt(top);
    chosen[at] = kinkAt === 0 ? top : kinkAt < 0 ? first : last;
  }
  return {
    ...bare,
    z,
    off,
    ties,
    norms: new Float64Array(n),
    frobenius: Math.sqrt(outputs),
    tangent: (_v, hDot) => z.map((_, at) => hDot?.[chosen[at] as number] ?? 0),
    addBack(zBar, hBar) {
      for (let at = 0; at < zBar.length; at++) {
        const entry = chosen[at] as number;
        hBar[entry] = (hBar[entry] as number) + (zBar[at] as number);
      }
    },
  };
}

/** What float32 is off by in each entry of h, in units of u. */
function blurOf(below: Below): (entry: number) => number {
  if (below instanceof Inputs) return () => 0;
  const { first, off, output } = below;
  return (entry) =>
    Math.abs((first[entry] as number) * (off[entry] as number)) + Math.abs(output[entry] as number);
}

/**
 * May float32 take this entry for the largest, and does it matter which? Not where neither moves, as where relu is off. And not where
 * they are equal to the last bit: they come of equal windows then, as in a plain background, and move alike.
 */
function isTied(
  below: Below,
  h: Float64Array,
  top: number,
  entry: number,
  offAt: (entry: number) => number,
): boolean {
  if (below instanceof Inputs || entry === top) return false;
  const lead = (h[top] as number) - (h[entry] as number);
  if (lead === 0 || lead > 4 * UNIT_ROUNDOFF * (offAt(top) + offAt(entry))) return false;
  return below.first[top] !== 0 || below.first[entry] !== 0;
}

/** Of output j, which is a channel of a window: its entries that lie inside, from starts[j] up to starts[j + 1]. */
function insideOf({ windows: { count, channels, entries }, outputs }: PoolingLayer) {
  const starts = new Int32Array(outputs + 1);
  const inside = new Int32Array(entries.length);
  const width = entries.length / count;
  let next = 0;
  for (let j = 0; j < outputs; j++) {
    const window = Math.floor(j / channels) * width;
    for (let k = window + (j % channels); k < window + width; k += channels) {
      const entry = entries[k] as number;
      if (entry >= 0) inside[next++] = entry;
    }
    starts[j + 1] = next;
  }
  return { starts, inside };
}

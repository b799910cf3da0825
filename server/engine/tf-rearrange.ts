/** {@link Ops.rearrange} and the maxima of windows on tfjs: loops, because tfjs's kernels are missing on wasm, or wrong there. */
import * as tf from "@tensorflow/tfjs-core";
import type { Rearrangement } from "./ops.ts";
import { make, values } from "./tensor-memory.ts";

/** tfjs's max-pooling disagrees with itself: ties go to the first on cpu, the last on wasm, where values below 0 are lost as well. */
export function firstMaximum(
  a: tf.Tensor,
  { size, sources }: Rearrangement,
  taps: number,
): { value: tf.Tensor; at: tf.Tensor } {
  const n = a.size / size;
  const count = sources.length / taps;
  const places = new Float32Array(n * count);
  const value = make([n, count], (out) => findMaxima(values(a), out, places, size, sources, taps));
  return { value, at: tf.tensor(places, [n, count]) };
}

function findMaxima(
  x: Float32Array,
  out: Float32Array,
  places: Float32Array,
  size: number,
  sources: Int32Array,
  taps: number,
): void {
  const count = sources.length / taps;
  for (let at = 0, start = 0; at < out.length; start += size)
    for (let j = 0; j < count; j++, at++) {
      let best = -1;
      let top = Number.NEGATIVE_INFINITY;
      for (let tap = j * taps; tap < (j + 1) * taps; tap++) {
        const source = sources[tap] as number;
        if (source < 0) continue;
        const entry = x[start + source] as number;
        // Not "entry > top": NaN has to win.
        if (best < 0 || (!(entry <= top) && !Number.isNaN(top))) {
          top = entry;
          best = source;
        }
      }
      out[at] = top;
      places[at] = best;
    }
}

export function pick(a: tf.Tensor, at: tf.Tensor): tf.Tensor {
  const [n, count] = at.shape as [number, number];
  const size = a.size / n;
  return make([n, count], (out) => {
    const x = values(a);
    const places = values(at);
    for (let i = 0, j = 0; i < n; i++)
      for (const end = j + count; j < end; j++) out[j] = x[i * size + (places[j] as number)] as number;
  });
}

export function place(a: tf.Tensor, at: tf.Tensor, size: number): tf.Tensor {
  const [n, count] = at.shape as [number, number];
  return make([n, size], (sums) => {
    const y = values(a);
    const places = values(at);
    sums.fill(0);
    for (let i = 0, j = 0; i < n; i++)
      for (const end = j + count; j < end; j++) {
        const to = i * size + (places[j] as number);
        sums[to] = (sums[to] as number) + (y[j] as number);
      }
  });
}

export function rearrange(a: tf.Tensor, { size, sources }: Rearrangement): tf.Tensor {
  const runs = runsOf(sources);
  return make([a.size / size, sources.length], (out) => {
    if (runs === null) copyEach(values(a), out, size, sources);
    else copyRuns(values(a), out, size, sources.length, runs);
  });
}

export function rearrangeBack(a: tf.Tensor, { size, sources }: Rearrangement): tf.Tensor {
  const runs = runsOf(sources);
  return make([a.size / sources.length, size], (sums) => {
    sums.fill(0);
    if (runs === null) addEach(values(a), sums, size, sources);
    else addRuns(values(a), sums, size, sources.length, runs);
  });
}

/** From this mean length on, moving runs pays. */
const LONG_RUN = 4;

/** Entries that follow each other both before and after: [to, from, length] of each, from −1 where they have no source; null if they are short. */
function runsOf(sources: Int32Array): Int32Array | null {
  const known = knownRuns.get(sources);
  if (known !== undefined) return known;
  const found: number[] = [];
  for (let to = 0; to < sources.length; ) {
    const from = sources[to] as number;
    let length = 1;
    while (sources[to + length] === (from < 0 ? from : from + length)) length++;
    found.push(to, from, length);
    to += length;
  }
  const runs = 3 * sources.length < LONG_RUN * found.length ? null : Int32Array.from(found);
  knownRuns.set(sources, runs);
  return runs;
}

const knownRuns = new WeakMap<Int32Array, Int32Array | null>();

function copyEach(x: Float32Array, out: Float32Array, size: number, sources: Int32Array): void {
  const width = sources.length;
  for (let to = 0, start = 0; to < out.length; to += width, start += size)
    for (let j = 0; j < width; j++) {
      const source = sources[j] as number;
      out[to + j] = source < 0 ? 0 : (x[start + source] as number);
    }
}

function copyRuns(x: Float32Array, out: Float32Array, size: number, width: number, runs: Int32Array): void {
  for (let begin = 0, start = 0; begin < out.length; begin += width, start += size)
    for (let r = 0; r < runs.length; r += 3) {
      const to = begin + (runs[r] as number);
      const length = runs[r + 2] as number;
      if ((runs[r + 1] as number) < 0) {
        for (let k = 0; k < length; k++) out[to + k] = 0;
        continue;
      }
      const from = start + (runs[r + 1] as number);
      for (let k = 0; k < length; k++) out[to + k] = x[from + k] as number;
    }
}

function addEach(y: Float32Array, sums: Float32Array, size: number, sources: Int32Array): void {
  const width = sources.length;
  for (let from = 0, start = 0; from < y.length; from += width, start += size)
    for (let j = 0; j < width; j++) {
      const source = sources[j] as number;
      if (source >= 0) sums[start + source] = (sums[start + source] as number) + (y[from + j] as number);
    }
}

function addRuns(y: Float32Array, sums: Float32Array, size: number, width: number, runs: Int32Array): void {
  for (let begin = 0, start = 0; begin < y.length; begin += width, start += size)
    for (let r = 0; r < runs.length; r += 3) {
      if ((runs[r + 1] as number) < 0) continue;
      const to = start + (runs[r + 1] as number);
      const from = begin + (runs[r] as number);
      const length = runs[r + 2] as number;
      for (let k = 0; k < length; k++) sums[to + k] = (sums[to + k] as number) + (y[from + k] as number);
    }
}

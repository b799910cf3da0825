/** Where the entries of an example come from, for layers that only move them. Negative: from nowhere, a 0. */
import { sizeOf } from "./linear.ts";

/** @param origin  the coordinates in the input of each place of the output, null for none. */
function sourcesOf(
  inputShape: readonly number[],
  outputShape: readonly number[],
  origin: (at: readonly number[]) => readonly number[] | null,
): Int32Array {
  const at = outputShape.map(() => 0);
  return Int32Array.from({ length: sizeOf(outputShape) }, () => {
    const from = origin(at);
    for (let axis = at.length - 1; axis >= 0; axis--) {
      at[axis] = (at[axis] as number) + 1;
      if ((at[axis] as number) < (outputShape[axis] as number)) break;
      at[axis] = 0;
    }
    return from === null
      ? -1
      : from.reduce((flat, place, axis) => flat * (inputShape[axis] as number) + place, 0);
  });
}

/** @param dims  as tfjs has them: axes counted from 1. */
export function permuteSources(inputShape: readonly number[], dims: readonly number[]): Int32Array {
  const outputShape = dims.map((axis) => inputShape[axis - 1] as number);
  return sourcesOf(inputShape, outputShape, (at) =>
    inputShape.map((_, axis) => at[dims.indexOf(axis + 1)] as number),
  );
}

export function repeatSources(inputShape: readonly number[], times: number): Int32Array {
  const size = sizeOf(inputShape);
  return Int32Array.from({ length: times * size }, (_, j) => j % size);
}

/** @param edges  [before, after] of the first axes. */
export function padSources(inputShape: readonly number[], edges: readonly (readonly number[])[]): Int32Array {
  const outputShape = inputShape.map(
    (size, axis) => size + (edges[axis] ?? []).reduce((sum, edge) => sum + edge, 0),
  );
  return sourcesOf(inputShape, outputShape, (at) => {
    const from = at.map((place, axis) => place - (edges[axis]?.[0] ?? 0));
    return from.every((place, axis) => place >= 0 && place < (inputShape[axis] as number)) ? from : null;
  });
}

export function cropSources(
  inputShape: readonly number[],
  edges: readonly (readonly number[])[],
): Int32Array {
  const outputShape = inputShape.map(
    (size, axis) => size - (edges[axis] ?? []).reduce((sum, edge) => sum + edge, 0),
  );
  return sourcesOf(inputShape, outputShape, (at) => at.map((place, axis) => place + (edges[axis]?.[0] ?? 0)));
}

/** Each place of the first axes `factors` times. */
export function upsampleSources(inputShape: readonly number[], factors: readonly number[]): Int32Array {
  const outputShape = inputShape.map((size, axis) => size * (factors[axis] ?? 1));
  return sourcesOf(inputShape, outputShape, (at) =>
    at.map((place, axis) => Math.floor(place / (factors[axis] ?? 1))),
  );
}

/** One of several parts side by side along an axis: `from` is where it begins. */
export function partSources(
  partShape: readonly number[],
  outputShape: readonly number[],
  axis: number,
  from: number,
): Int32Array {
  const edges = partShape.map((size, i) =>
    i === axis ? [from, (outputShape[i] as number) - from - size] : [0, 0],
  );
  return padSources(partShape, edges);
}

/** One of several parts of equal shape, laid next to each other entry by entry: [size] → [size, count], or one after the other. */
export function interleaveSources(size: number, count: number, index: number): Int32Array {
  const sources = new Int32Array(size * count).fill(-1);
  for (let j = 0; j < size; j++) sources[j * count + index] = j;
  return sources;
}

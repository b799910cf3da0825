/** Windows that slide over pictures, [height × width × channels] each, and the rows that they make for a kernel. */
import { addProduct, addTransposedProduct, type Rows, rowSquares, transposed } from "./products.ts";

export interface Windows {
  /** How many there are, and how many of them beside one another. */
  readonly count: number;
  readonly columns: number;
  readonly channels: number;
  /** Of each window in turn, for each of its pixels and channels, which entry of the picture it is; −1 beyond the edge. */
  readonly entries: Int32Array;
}

/** Windows are gathered for so many pictures at once that this many numbers lie side by side: what a processor keeps near. */
const BLOCK = 2 ** 15;

/** @param padding  same: as many windows as strides fit into the picture, half of what is missing on either side; else only whole ones. */
export function slide(
  [height, width, channels]: readonly [number, number, number],
  size: readonly [number, number],
  strides: readonly [number, number],
  padding: "same" | "valid",
): Windows {
  const along = (length: number, axis: 0 | 1) => {
    const [reach, stride] = [size[axis], strides[axis]];
    if (padding === "valid") return { count: Math.floor((length - reach) / stride) + 1, before: 0 };
    const count = Math.ceil(length / stride);
    return { count, before: Math.max(0, (count - 1) * stride + reach - length) >> 1 };
  };
  const [down, across] = [along(height, 0), along(width, 1)];
  const count = Math.max(0, down.count) * Math.max(0, across.count);
  const entries = new Int32Array(count * size[0] * size[1] * channels).fill(-1);
  let at = 0;
  for (let window = 0; window < count; window++) {
    const top = Math.floor(window / across.count) * strides[0] - down.before;
    const left = (window % across.count) * strides[1] - across.before;
    for (let row = top; row < top + size[0]; row++) {
      for (let column = left; column < left + size[1]; column++, at += channels) {
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        for (let c = 0; c < channels; c++) entries[at + c] = (row * width + column) * channels + c;
      }
    }
  }
  return { count, columns: across.count, channels, entries };
}

/** The windows of n pictures as a matrix [n · count × entries of a window], of which only a block is ever there. */
export function windowRows(pictures: Float64Array, inputs: number, windows: Windows): Rows {
  const { count, entries } = windows;
  const width = entries.length / count;
  const n = pictures.length / inputs;
  const inBlocks = (visit: (block: Float64Array, rowAt: number, rows: number) => void) => {
    const most = blockSize(windows, n);
    const block = new Float64Array(most * entries.length);
    for (let from = 0; from < n; from += most) {
      const end = Math.min(n, from + most);
      for (let i = from, at = 0; i < end; i++, at += entries.length)
        gather(pictures, i * inputs, entries, block, at);
      visit(block, from * count, (end - from) * count);
    }
  };
  return {
    get squares() {
      const squares = new Float64Array(n * count);
      inBlocks((block, at, rows) => squares.set(rowSquares(block, rows, width), at));
      return squares;
    },
    addTimes(w, q, out, wAt) {
      inBlocks((block, at, rows) => addProduct(block, w, [rows, width, q], out.subarray(at * q), wAt));
    },
    addTransposedTimes(b, q, out, outAt) {
      inBlocks((block, at, rows) =>
        addTransposedProduct(block, b.subarray(at * q), [rows, width, q], out, outAt),
      );
    },
  };
}

/** pictures[n × inputs] += what `b`[n · count × q] · wᵀ is to each window, added up where windows overlap; w beginning at `wAt`. */
export function addToWindows(
  pictures: Float64Array,
  inputs: number,
  windows: Windows,
  b: Float64Array,
  q: number,
  w: Float64Array,
  wAt: number,
): void {
  const { count, entries } = windows;
  const width = entries.length / count;
  const n = pictures.length / inputs;
  const kernel = transposed(w, wAt, width, q);
  const most = blockSize(windows, n);
  const block = new Float64Array(most * entries.length);
  for (let from = 0; from < n; from += most) {
    const end = Math.min(n, from + most);
    block.fill(0);
    addProduct(b.subarray(from * count * q), kernel, [(end - from) * count, q, width], block);
    for (let i = from, at = 0; i < end; i++, at += entries.length)
      scatter(block, at, entries, pictures, i * inputs);
  }
}

function blockSize({ entries }: Windows, n: number): number {
  return Math.max(1, Math.min(n, Math.floor(BLOCK / entries.length)));
}

function gather(from: Float64Array, fromAt: number, entries: Int32Array, into: Float64Array, at: number) {
  for (let k = 0; k < entries.length; k++) {
    const entry = entries[k] as number;
    into[at + k] = entry < 0 ? 0 : (from[fromAt + entry] as number);
  }
}

function scatter(from: Float64Array, fromAt: number, entries: Int32Array, into: Float64Array, at: number) {
  for (let k = 0; k < entries.length; k++) {
    const entry = entries[k] as number;
    if (entry >= 0) into[at + entry] = (into[at + entry] as number) + (from[fromAt + k] as number);
  }
}

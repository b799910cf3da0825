/** The examples' inputs X, kept as one common row and what differs from it: of digits, whether centred or not, a fifth. */
import { addRows, addScaled, type Combination, type Rows } from "./products.ts";

/** A sparse matrix by rows: row i is the combination from starts[i] up to starts[i + 1]. */
interface SparseRows {
  readonly starts: Uint32Array;
  readonly entries: Combination;
}

export class Inputs implements Rows {
  readonly size: number;
  readonly width: number;
  /** ‖x_i‖₂² of each example, [size]. */
  readonly squares: Float64Array;
  readonly #inputs: Float32Array;
  readonly #common: Float64Array;
  /** X less the common row, and its transpose. */
  readonly #rest: SparseRows;
  readonly #restTransposed: SparseRows;

  /** @param inputs  [size × width]. */
  constructor(inputs: Float32Array, size: number) {
    const width = inputs.length / size;
    const common = majority(inputs, width);
    const at = (i: number, j: number) => (inputs[i * width + j] as number) - (common[j] as number);
    this.size = size;
    this.width = width;
    this.squares = new Float64Array(size);
    for (const [index, value] of inputs.entries()) {
      const i = Math.floor(index / width);
      this.squares[i] = (this.squares[i] as number) + value * value;
    }
    this.#inputs = inputs;
    this.#common = common;
    this.#rest = sparseRows(size, width, at);
    this.#restTransposed = sparseRows(width, size, (j, i) => at(i, j));
  }

  /** X, new. */
  matrix(): Float64Array {
    return new Float64Array(this.#inputs);
  }

  /** out[size × q] += X · w, w[width × q] beginning at `wAt`. */
  addTimes(w: Float64Array, q: number, out: Float64Array, wAt = 0): void {
    const base = new Float64Array(q);
    for (let j = 0; j < this.width; j++) addScaled(this.#common[j] as number, w, wAt + j * q, base, 0, q);
    for (let i = 0; i < this.size; i++) addScaled(1, base, 0, out, i * q, q);
    addSparse(this.#rest, w, wAt, q, out, 0);
  }

  /** out[width × q] += Xᵀ · b for b[size × q]; out beginning at `outAt`. */
  addTransposedTimes(b: Float64Array, q: number, out: Float64Array, outAt = 0): void {
    const total = new Float64Array(q);
    for (let i = 0; i < this.size; i++) addScaled(1, b, i * q, total, 0, q);
    for (let j = 0; j < this.width; j++)
      addScaled(this.#common[j] as number, total, 0, out, outAt + j * q, q);
    addSparse(this.#restTransposed, b, 0, q, out, outAt);
  }
}

/** out += S · x, row by row. */
function addSparse(
  { starts, entries }: SparseRows,
  x: Float64Array,
  xAt: number,
  q: number,
  out: Float64Array,
  outAt: number,
): void {
  for (let i = 0; i + 1 < starts.length; i++)
    addRows(entries, starts[i] as number, starts[i + 1] as number, x, xAt, q, out, outAt + i * q);
}

function sparseRows(rows: number, columns: number, at: (row: number, column: number) => number): SparseRows {
  const starts = new Uint32Array(rows + 1);
  let count = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) if (at(i, j) !== 0) count++;
    starts[i + 1] = count;
  }
  const entries = { rows: new Uint32Array(count), factors: new Float64Array(count) };
  let next = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = at(i, j);
      if (value === 0) continue;
      entries.rows[next] = j;
      entries.factors[next++] = value;
    }
  }
  return { starts, entries };
}

/** For each column the value that more than half of the rows have, where there is one (Boyer & Moore 1981), else any. */
function majority(inputs: Float32Array, width: number): Float64Array {
  const candidates = new Float64Array(width);
  const votes = new Int32Array(width);
  for (let i = 0; i < inputs.length; i++) {
    const j = i % width;
    const value = inputs[i] as number;
    if (votes[j] === 0) candidates[j] = value;
    votes[j] = (votes[j] as number) + (value === candidates[j] ? 1 : -1);
  }
  return candidates;
}

/** Orthonormal vectors stored in float32, worked on in float64: the inner loops of Lanczos. */

import { type Kernels, kernelsOn, WIDTH } from "./gram-schmidt-kernels.ts";
import { type Kernel, LANES, type Memory, memoryOf } from "./simd-assembler.ts";

/** Elements of one pass: a float64 block of the working vector stays in the first-level cache, those of the basis in the second. */
const BLOCK = 4096;
/** Rounding of products in float32, relative to ‖A‖: a β below it joins nothing but noise. */
export const CLOSED = 4 * 2 ** -24;

/**
 * Up to `capacity` vectors and the one that is made orthogonal to them, {@link KrylovBasis.w}. They lie in a memory of their own, because
 * that is the only one in which SIMD instructions reach them.
 *
 * Memory: 4n for each vector, taken as they come, and 8n for w.
 * @checked test/numerics/krylov-basis.test.ts, against plain loops.
 */
export class KrylovBasis {
  /** The working vector, [n]. */
  readonly w: Float64Array;
  #length = 0;
  readonly #n: number;
  readonly #capacity: number;
  readonly #memory: Memory;
  readonly #kernels: Kernels;
  /** By vector, at address 0. */
  readonly #coefficients: Float64Array;
  /** One number for the kernels that take one, and its address. */
  readonly #scalar: Float64Array;
  readonly #scalarAt: number;
  /** [BLOCK], and its address. */
  readonly #sum: Float64Array;
  readonly #sumAt: number;
  /** [BLOCK], and its address. */
  readonly #rounded: Float32Array;
  readonly #roundedAt: number;
  readonly #wAt: number;
  readonly #vectorsAt: number;
  /** From one vector to the next, in bytes. */
  readonly #stride: number;

  /** @throws {RangeError} when there is not enough memory. */
  constructor(n: number, capacity: number) {
    this.#n = n;
    this.#capacity = capacity;
    // What lies behind the last element of w is zero and stays so; therefore of each vector, too.
    this.#stride = 4 * LANES * Math.ceil(n / LANES);
    this.#scalarAt = 8 * capacity;
    this.#sumAt = this.#scalarAt + 8;
    this.#roundedAt = this.#sumAt + 8 * BLOCK;
    this.#wAt = this.#roundedAt + 4 * BLOCK;
    this.#vectorsAt = this.#wAt + 2 * this.#stride;
    this.#memory = takeMemory(this.#vectorsAt + capacity * this.#stride);
    this.#kernels = kernelsOn(this.#memory);
    const { buffer } = this.#memory;
    new Float64Array(buffer, this.#wAt, this.#stride / 4).fill(0, n);
    this.#coefficients = new Float64Array(buffer, 0, capacity);
    this.#scalar = new Float64Array(buffer, this.#scalarAt, 1);
    this.#sum = new Float64Array(buffer, this.#sumAt, BLOCK);
    this.#rounded = new Float32Array(buffer, this.#roundedAt, BLOCK);
    this.w = new Float64Array(buffer, this.#wAt, n);
  }

  get length(): number {
    return this.#length;
  }

  /** Neither it nor its vectors may be used any more: the next basis may write where they are. */
  dispose(): void {
    if (this.#memory.buffer.byteLength <= MOST_SPARE_BYTES) spare = this.#memory;
  }

  /** w / length joins the basis, rounded to float32. @returns it, [n]: not to be written to. */
  append(length: number): Float32Array {
    if (this.#length === this.#capacity)
      throw new RangeError(`append: expected at most ${this.#capacity} vectors, got one more`);
    const at = this.#addressOf(this.#length);
    this.#scalar[0] = 1 / length;
    this.#kernels.scaleInto(at, at + this.#stride, this.#stride, this.#wAt, this.#scalarAt);
    this.#length++;
    return new Float32Array(this.#memory.buffer, at, this.#n);
  }

  /** ‖w‖₂. */
  norm(): number {
    this.#scalar[0] = 0;
    this.#kernels.addSquares(0, this.#stride, 0, this.#wAt, this.#scalarAt);
    return Math.sqrt(this.#scalar[0]);
  }

  /**
   * w ← w − QQᵀw by classical Gram–Schmidt, once; adds Qᵀw to `coefficients`, and returns ‖Qᵀw‖₂.
   *
   * @param coefficients [length].
   * @cost 4nk flops, 2k passes over n.
   */
  projectOut(coefficients: Float64Array): number {
    const { addDots, subtract } = this.#kernels;
    const found = this.#coefficients.fill(0);
    this.#overBlocks((low, high) => this.#run(addDots, 0, low, high, this.#wAt + 8 * low));
    this.#overBlocks((low, high) => this.#run(subtract, 0, low, high, this.#wAt + 8 * low));
    let squares = 0;
    for (let i = 0; i < this.#length; i++) {
      const c = found[i] as number;
      coefficients[i] = (coefficients[i] as number) + c;
      squares += c * c;
    }
    return Math.sqrt(squares);
  }

  /**
   * A step of Lanczos: makes w = Aq_k orthogonal to the basis, whose last vector is q_k.
   * @param before β_{k−1}, which joins q_{k−1} and q_k; 0 where a fresh vector began.
   * @returns α_k; β_k = ‖w‖; and the other coefficients that were met beyond T's.
   */
  orthogonalise(before: number) {
    const last = this.#length - 1;
    let alpha = this.#recurrence(last, before);
    let beta = Number.NaN;
    // The recurrence was the first pass. Each pass leaves about 1e-7 of what it removed (the basis is float32), so one that
    // removed little needs no successor. The bound on passes is for a w that is all rounding.
    const coefficients = new Float64Array(this.#length);
    for (let pass = 0; pass < 3; pass++) {
      const removed = this.projectOut(coefficients);
      beta = this.norm();
      if (removed <= 0.1 * beta) break;
    }
    alpha += coefficients[last] as number;
    coefficients[last] = 0;
    return { alpha, beta, coefficients };
  }

  /** Σᵢ weights[m][i]·qᵢ for each m. @returns one new [n] for each list of weights. */
  combine(weights: readonly Float64Array[]): Float32Array[] {
    const { subtract, scaleInto } = this.#kernels;
    const out = weights.map(() => new Float32Array(this.#n));
    this.#scalar[0] = 1;
    this.#overBlocks((low, high) => {
      for (const [m, list] of weights.entries()) {
        for (let i = 0; i < this.#length; i++) this.#coefficients[i] = -(list[i] as number);
        this.#sum.fill(0);
        this.#run(subtract, 0, low, high, this.#sumAt);
        scaleInto(this.#roundedAt, this.#roundedAt + 4 * (high - low), 0, this.#sumAt, this.#scalarAt);
        (out[m] as Float32Array).set(this.#rounded.subarray(0, Math.min(high, this.#n) - low), low);
      }
    });
    return out;
  }

  /** w ← w − αq_k − βq_{k−1}. @returns α = q_kᵀw. */
  #recurrence(last: number, beta: number): number {
    const { addDots, subtract } = this.#kernels;
    const found = this.#coefficients.fill(0);
    this.#overBlocks((low, high) => this.#run(addDots, last, low, high, this.#wAt + 8 * low));
    if (last > 0) found[last - 1] = beta;
    const first = Math.max(0, last - 1);
    this.#overBlocks((low, high) => this.#run(subtract, first, low, high, this.#wAt + 8 * low));
    return found[last] as number;
  }

  #overBlocks(work: (low: number, high: number) => void): void {
    const elements = this.#stride / 4;
    for (let low = 0; low < elements; low += BLOCK) work(low, Math.min(low + BLOCK, elements));
  }

  /** Vectors from `first` on, their elements from `low` to before `high`, and w's, which begin at the address. */
  #run(kernels: Kernels["addDots"], first: number, low: number, high: number, w: number): void {
    for (let i = first; i < this.#length; i += WIDTH) {
      const q = this.#addressOf(i) + 4 * low;
      const width = Math.min(WIDTH, this.#length - i);
      (kernels[width] as Kernel)(q, q + 4 * (high - low), this.#stride, w, 8 * i);
    }
  }

  #addressOf(vector: number): number {
    return this.#vectorsAt + vector * this.#stride;
  }
}

/** Of the last basis that was disposed. Pages that nobody has touched cost a microsecond or two each, more than a vector's arithmetic. */
let spare: Memory | null = null;
/** Beyond it, what is kept in between would be missed elsewhere. */
const MOST_SPARE_BYTES = 256 * 2 ** 20;

function takeMemory(bytes: number): Memory {
  const found = spare;
  spare = null;
  return found !== null && found.buffer.byteLength >= bytes ? found : memoryOf(bytes);
}

/** ‖v‖₂. */
export function norm64(v: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < v.length; i++) squares += (v[i] as number) * (v[i] as number);
  return Math.sqrt(squares);
}

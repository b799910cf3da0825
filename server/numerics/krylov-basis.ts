/** Orthonormal vectors stored in float32, worked on in float64: the inner loops of Lanczos. */
import { type Kernel, type Kernels, kernelsOn, LANES, type Memory, memoryOf, WIDTH } from "./simd-kernels.ts";

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
  /** [BLOCK], and its address. */
  readonly #sum: Float64Array;
  readonly #sumAt: number;
  readonly #wAt: number;
  readonly #vectorsAt: number;
  /** From one vector to the next, in bytes. */
  readonly #stride: number;

  /** @throws {RangeError} when there is not enough memory. */
  constructor(n: number, capacity: number) {
    this.#n = n;
    this.#capacity = capacity;
    // What lies behind the last vector, up to a whole tile of them, and behind the last element, is zero and stays so.
    const slots = WIDTH * Math.ceil(capacity / WIDTH);
    this.#stride = 4 * LANES * Math.ceil(n / LANES);
    this.#sumAt = 8 * slots;
    this.#wAt = this.#sumAt + 8 * BLOCK;
    this.#vectorsAt = this.#wAt + 2 * this.#stride;
    this.#memory = memoryOf(this.#vectorsAt + slots * this.#stride);
    this.#kernels = kernelsOn(this.#memory);
    const { buffer } = this.#memory;
    this.#coefficients = new Float64Array(buffer, 0, slots);
    this.#sum = new Float64Array(buffer, this.#sumAt, BLOCK);
    this.w = new Float64Array(buffer, this.#wAt, n);
  }

  get length(): number {
    return this.#length;
  }

  /** w / length joins the basis, rounded to float32. @returns it, [n]: not to be written to. */
  append(length: number): Float32Array {
    if (this.#length === this.#capacity)
      throw new RangeError(`append: expected at most ${this.#capacity} vectors, got one more`);
    const vector = new Float32Array(this.#memory.buffer, this.#addressOf(this.#length), this.#n);
    const { w } = this;
    const inverse = 1 / length;
    for (let i = 0; i < vector.length; i++) vector[i] = (w[i] as number) * inverse;
    this.#length++;
    return vector;
  }

  /** ‖w‖₂. */
  norm(): number {
    const { w } = this;
    let squares = 0;
    for (let i = 0; i < w.length; i++) squares += (w[i] as number) * (w[i] as number);
    return Math.sqrt(squares);
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
    this.#overBlocks((low, high) => this.#run(addDots, low, high, this.#wAt + 8 * low));
    this.#overBlocks((low, high) => this.#run(subtract, low, high, this.#wAt + 8 * low));
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

  /** Σᵢ weights[m][i]·qᵢ for each m, normalised. @returns one new [n] for each list of weights. */
  combine(weights: readonly Float64Array[]): Float32Array[] {
    const out = weights.map(() => new Float32Array(this.#n));
    const negative = this.#coefficients;
    this.#overBlocks((low, high) => {
      for (const [m, list] of weights.entries()) {
        for (let i = 0; i < this.#length; i++) negative[i] = -(list[i] as number);
        this.#sum.fill(0);
        this.#run(this.#kernels.subtract, low, high, this.#sumAt);
        store(this.#sum, out[m] as Float32Array, low);
      }
    });
    for (const vector of out) normalise(vector);
    return out;
  }

  /** w ← w − αq_k − βq_{k−1}. @returns α = q_kᵀw. */
  #recurrence(last: number, beta: number): number {
    const { addDots, subtract } = this.#kernels;
    const first = Math.max(0, last + 1 - WIDTH);
    const found = this.#coefficients.fill(0);
    this.#overBlocks((low, high) => this.#tile(addDots, first, low, high, this.#wAt + 8 * low));
    const alpha = found[last] as number;
    found.fill(0);
    found[last] = alpha;
    if (last > 0) found[last - 1] = beta;
    this.#overBlocks((low, high) => this.#tile(subtract, first, low, high, this.#wAt + 8 * low));
    return alpha;
  }

  #overBlocks(work: (low: number, high: number) => void): void {
    const elements = this.#stride / 4;
    for (let low = 0; low < elements; low += BLOCK) work(low, Math.min(low + BLOCK, elements));
  }

  /** All vectors' elements from `low` to before `high`, and w's, which begin at the address. */
  #run(kernel: Kernel, low: number, high: number, w: number): void {
    for (let first = 0; first < this.#length; first += WIDTH) this.#tile(kernel, first, low, high, w);
  }

  #tile(kernel: Kernel, first: number, low: number, high: number, w: number): void {
    const q = this.#addressOf(first) + 4 * low;
    kernel(q, q + 4 * (high - low), this.#stride, w, 8 * first);
  }

  #addressOf(vector: number): number {
    return this.#vectorsAt + vector * this.#stride;
  }
}

/** Into `out` from `low` on, as much as it has room for; TypedArray.set takes five times as long between types. */
function store(sum: Float64Array, out: Float32Array, low: number): void {
  const count = Math.min(sum.length, out.length - low);
  for (let i = 0; i < count; i++) out[low + i] = sum[i] as number;
}

/** ‖v‖₂. */
export function norm64(v: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < v.length; i++) squares += (v[i] as number) * (v[i] as number);
  return Math.sqrt(squares);
}

function normalise(vector: Float32Array): void {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) * (vector[i] as number);
  const inverse = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) * inverse;
}

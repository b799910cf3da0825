/** The loop of plain gradient descent, in which training spends a fifth of its time where it is JavaScript. */
import {
  ADD,
  type Assembled,
  addLanes,
  assembled,
  C,
  FLOAT32S,
  float64sAt,
  get,
  type Kernel,
  LANES,
  loop,
  MULTIPLY,
  memoryOf,
  Q,
  q,
  SPLAT,
  SUBTRACT,
  scalarLoad,
  set,
  storeHalf,
  WIDEN,
  x,
} from "./simd-assembler.ts";

/** Elements of one pass: they go through memory of the kernel's own, which stays in the first-level cache. */
const BLOCK = 2048;
/** η, λ, Σg², ΣΔθ². */
const NUMBERS = 4;

/**
 * θ ← θ − η(g + λθ): float64 arithmetic on float32 vectors, each element as the same line of JavaScript has it, to the bit.
 * @checked test/numerics/descent.test.ts, against that line.
 */
export class Descent {
  readonly #numbers: Float64Array;
  readonly #theta: Float32Array;
  readonly #gradient: Float32Array;
  readonly #descend: Kernel;

  constructor() {
    const memory = memoryOf(8 * NUMBERS + 2 * 4 * BLOCK);
    this.#descend = kernelsOn(memory)[0] as Kernel;
    this.#numbers = new Float64Array(memory.buffer, 0, NUMBERS);
    this.#theta = new Float32Array(memory.buffer, 8 * NUMBERS, BLOCK);
    this.#gradient = new Float32Array(memory.buffer, 8 * NUMBERS + 4 * BLOCK, BLOCK);
  }

  /** θ in place. @returns Σg² and ΣΔθ² of the stored float32 values, summed in float64. @cost 7 flops an element, and three copies. */
  update(theta: Float32Array, gradient: Float32Array, eta: number, decay: number) {
    this.#numbers.set([eta, decay, 0, 0]);
    for (let low = 0; low < theta.length; low += BLOCK) {
      const count = Math.min(BLOCK, theta.length - low);
      this.#theta.set(theta.subarray(low, low + count));
      this.#gradient.set(gradient.subarray(low, low + count));
      // Behind the end lies what was there before: zeros add nothing.
      const end = LANES * Math.ceil(count / LANES);
      this.#theta.fill(0, count, end);
      this.#gradient.fill(0, count, end);
      const at = this.#theta.byteOffset;
      this.#descend(at, at + 4 * end, 4 * BLOCK, 0, 0);
      theta.set(this.#theta.subarray(0, count), low);
    }
    const [, , gradientSquares, updateSquares] = this.#numbers as unknown as [number, number, number, number];
    return { gradientSquares, updateSquares };
  }
}

const kernelsOn = assembled(() => [descendBody()]);

/** θ at q, g a stride further, the numbers where the coefficients are. */
function descendBody(): Assembled {
  const [eta, decay, gradientSquares, updateSquares] = [x(0), x(1), x(2), x(3)];
  const [before, slope, moved] = [x(4), x(5), x(6)];
  const half = (at: number) => [
    [float64sAt(q(0), at), set(before), float64sAt(q(1), at), set(slope)],
    [get(before), get(eta), get(slope), get(decay), get(before), MULTIPLY, ADD, MULTIPLY, SUBTRACT],
    [FLOAT32S, set(moved), get(Q), get(moved), storeHalf(at)],
    [get(moved), WIDEN, get(before), SUBTRACT, set(moved)],
    [get(gradientSquares), get(slope), get(slope), MULTIPLY, ADD, set(gradientSquares)],
    [get(updateSquares), get(moved), get(moved), MULTIPLY, ADD, set(updateSquares)],
  ];
  return {
    vectors: 7,
    body: [
      [get(C), scalarLoad(0), SPLAT, set(eta), get(C), scalarLoad(8), SPLAT, set(decay)],
      loop(2, [half(0), half(8)]),
      [addLanes(gradientSquares, 16), addLanes(updateSquares, 24)],
    ],
  };
}

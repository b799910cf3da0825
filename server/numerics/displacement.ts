/** How far a vector is from where it began, and from where it was last: the inner loop of what is known of θ at every step. */
import {
  ADD,
  type Assembled,
  addLanes,
  assembled,
  each,
  float64sAt,
  get,
  type Kernel,
  LANES,
  loop,
  MULTIPLY,
  memoryOf,
  q,
  SUBTRACT,
  set,
  W,
  x,
} from "./simd-assembler.ts";

/** Over one range of the vector a. */
export interface Displaced {
  /** ‖a_t − a₀‖². */
  readonly displaced: number;
  /** ‖a_t‖². */
  readonly squares: number;
  /** ⟨a_t, a₀⟩. */
  readonly product: number;
  /** ‖a_t − a_{t−1}‖². */
  readonly moved: number;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * A vector that moves; a_{t−1} is at first a₀. Sums in float64.
 *
 * Memory: three times the vector.
 * @checked test/numerics/displacement.test.ts, against plain loops.
 */
export class Displacement {
  readonly #ranges: readonly (Range & { readonly at: number })[];
  /** Before a₀ in memory, and behind it: a_t and a_{t−1}, which change places. */
  readonly #before: Float32Array;
  readonly #behind: Float32Array;
  readonly #sums: Float64Array;
  readonly #addSums: Kernel;
  #isBehind = false;

  /** @param initial  a₀, copied. @param ranges  of it, in any order. @throws {RangeError} when there is not enough memory. */
  constructor(initial: Float32Array, ranges: readonly Range[]) {
    let end = 0;
    // Each begins where a turn of the loop does; what lies behind its end is zero in all three vectors, and adds nothing.
    this.#ranges = ranges.map((range) => {
      const at = end;
      end += LANES * Math.ceil((range.to - range.from) / LANES);
      return { ...range, at };
    });
    const memory = memoryOf(8 * SUMS + 3 * 4 * end);
    this.#addSums = kernelsOn(memory)[0] as Kernel;
    const vector = (i: number) => new Float32Array(memory.buffer, 8 * SUMS + i * 4 * end, end);
    this.#sums = new Float64Array(memory.buffer, 0, SUMS);
    this.#before = vector(0);
    this.#behind = vector(2);
    for (const into of [vector(1), this.#behind]) this.#copy(initial, into);
  }

  /** @param a  a_t, of a₀'s length. @returns for each range, in their order. @cost a copy, and 4 multiply-adds an element. */
  move(a: Float32Array): Displaced[] {
    const [now, last] = this.#isBehind ? [this.#behind, this.#before] : [this.#before, this.#behind];
    this.#isBehind = !this.#isBehind;
    this.#copy(a, now);
    // a₀ lies in the middle.
    const toInitial = (last.byteOffset - now.byteOffset) / 2;
    return this.#ranges.map(({ from, to, at }) => {
      const begin = now.byteOffset + 4 * at;
      this.#sums.fill(0);
      if (to > from) this.#addSums(begin, begin + 4 * (to - from), toInitial, last.byteOffset + 4 * at, 0);
      const [displaced, squares, product, moved] = this.#sums as unknown as [number, number, number, number];
      return { displaced, squares, product, moved };
    });
  }

  #copy(a: Float32Array, into: Float32Array): void {
    for (const { from, to, at } of this.#ranges) into.set(a.subarray(from, to), at);
  }
}

const SUMS = 4;
const kernelsOn = assembled(() => [addSumsBody()]);

/** a_t at q, a₀ a stride further, a_{t−1} at w. */
function addSumsBody(): Assembled {
  const [displaced, squares, product, moved, now, start, difference] = [0, 1, 2, 3, 4, 5, 6].map(x) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const add = (sum: number, a: number, b: number) => [get(sum), get(a), get(b), MULTIPLY, ADD, set(sum)];
  const half = (at: number) => [
    [float64sAt(q(0), at), set(now), float64sAt(q(1), at), set(start)],
    [get(now), get(start), SUBTRACT, set(difference), add(displaced, difference, difference)],
    [get(now), float64sAt(W, at), SUBTRACT, set(difference), add(moved, difference, difference)],
    [add(squares, now, now), add(product, now, start)],
  ];
  return {
    vectors: 7,
    body: [loop(2, [half(0), half(8)], 4), each(SUMS, (i) => addLanes(x(i), 8 * i))],
  };
}

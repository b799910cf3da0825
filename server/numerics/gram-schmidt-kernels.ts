/** The inner loops of Gram–Schmidt: float64 arithmetic on float32 vectors, four times as fast as the same loops in JavaScript. */
import {
  ADD,
  type Assembled,
  addLanes,
  assembled,
  C,
  each,
  FLOAT32S,
  float64sAt,
  get,
  type Kernel,
  load,
  loop,
  type Memory,
  MOST_VECTORS,
  MULTIPLY,
  Q,
  q,
  SPLAT,
  SUBTRACT,
  scalarLoad,
  set,
  store,
  storeHalf,
  W,
  x,
} from "./simd-assembler.ts";

/** Vectors that a kernel takes at once, at most: so many, that each element of w is loaded once for four of the basis. */
export const WIDTH = MOST_VECTORS;

export interface Kernels {
  /** By the number of vectors, from 1 to {@link WIDTH}: coefficients[i] += qᵢᵀw. */
  readonly addDots: readonly (Kernel | undefined)[];
  /** The same: w −= Σᵢ coefficients[i]·qᵢ. */
  readonly subtract: readonly (Kernel | undefined)[];
  /** coefficients[0] += wᵀw, over as many elements as the vector has. */
  readonly addSquares: Kernel;
  /** q ← coefficients[0]·w, rounded to float32. */
  readonly scaleInto: Kernel;
}

export function kernelsOn(memory: Memory): Kernels {
  const kernels = allOn(memory);
  return {
    addDots: [undefined, ...kernels.slice(0, WIDTH)],
    subtract: [undefined, ...kernels.slice(WIDTH, 2 * WIDTH)],
    addSquares: kernels[2 * WIDTH] as Kernel,
    scaleInto: kernels[2 * WIDTH + 1] as Kernel,
  };
}

const WIDTHS = Array.from({ length: WIDTH }, (_, i) => i + 1);
const allOn = assembled(() => [
  ...WIDTHS.map(addDotsBody),
  ...WIDTHS.map(subtractBody),
  addSquaresBody(),
  scaleIntoBody(),
]);

function addDotsBody(width: number): Assembled {
  const [low, high] = [x(width), x(width + 1)];
  const accumulate = (i: number, at: number, w: number) => [
    [get(x(i)), float64sAt(q(i), at), get(w), MULTIPLY, ADD, set(x(i))],
  ];
  return {
    vectors: width + 2,
    body: [
      loop(width, [
        [get(W), load(0), set(low), get(W), load(16), set(high)],
        each(width, (i) => [accumulate(i, 0, low), accumulate(i, 8, high)]),
      ]),
      each(width, (i) => addLanes(x(i), 8 * i)),
    ],
  };
}

function subtractBody(width: number): Assembled {
  const half = (at: number) => [
    [get(W), get(W), load(2 * at)],
    each(width, (i) => [float64sAt(q(i), at), get(x(i)), MULTIPLY, SUBTRACT]),
    store(2 * at),
  ];
  return {
    vectors: width,
    body: [
      each(width, (i) => [get(C), scalarLoad(8 * i), SPLAT, set(x(i))]),
      loop(width, [half(0), half(8)]),
    ],
  };
}

function addSquaresBody(): Assembled {
  const [low, high, w] = [x(0), x(1), x(2)];
  const accumulate = (sum: number, at: number) => [
    [get(W), load(at), set(w)],
    [get(sum), get(w), get(w), MULTIPLY, ADD, set(sum)],
  ];
  return {
    vectors: 3,
    body: [
      loop(1, [accumulate(low, 0), accumulate(high, 16)]),
      [get(low), get(high), ADD, set(low), addLanes(low, 0)],
    ],
  };
}

function scaleIntoBody(): Assembled {
  const half = (at: number) => [[get(Q), get(W), load(2 * at), get(x(0)), MULTIPLY, FLOAT32S], storeHalf(at)];
  return {
    vectors: 1,
    body: [get(C), scalarLoad(0), SPLAT, set(x(0)), loop(1, [half(0), half(8)])],
  };
}

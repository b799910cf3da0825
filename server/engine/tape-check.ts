/** Is what the tape says of a function true? Asked on random numbers, against finite differences. */
import * as tf from "@tensorflow/tfjs-core";
import { createRandom } from "../numerics/random.ts";
import { sizeOf } from "./rules/linear.ts";
import { pullBack, pushForward, type TapeFunction } from "./tape.ts";
import { values } from "./tensor-memory.ts";

type Shape = readonly number[];

/** Of the largest entry: finite differences in float32 are off by some 1e-3, a wrong derivative by 1e-1. */
const TOLERANCE = 0.02;
/** A kink between two points spoils a difference: another size of step, or other numbers, may be without. */
const STEPS = [1e-2, 3e-3, 1e-3];
const DRAWS = 4;

/**
 * Why the function cannot be differentiated twice; null where it can. Leaves no tensor behind.
 * @param outputShape  with the examples.
 * @param draw  arguments to ask it at, from normal numbers of a given spread; `attempt` counts from 0.
 */
export function tapeFault(
  f: TapeFunction,
  outputShape: Shape,
  draw: (normal: (shape: Shape, spread: number) => tf.Tensor, attempt: number) => readonly tf.Tensor[],
): string | null {
  const random = createRandom(7);
  const normal = (shape: Shape, spread: number) =>
    tf.tensor(random.fillNormal(new Float32Array(sizeOf(shape)), spread), shape as number[]);
  let why: string | null = null;
  tf.engine().startScope("tape");
  try {
    for (let attempt = 0; attempt < DRAWS; attempt++) {
      const x = draw(normal, attempt);
      const shape = f(x).shape;
      if (shape.join() !== outputShape.join())
        return `its output has shape [${shape}], expected [${outputShape}]`;
      why = faultAt(
        f,
        x,
        x.map((each) => normal(each.shape, 1)),
        normal(outputShape, 1),
      );
      if (why === null) return null;
    }
    return why;
  } catch (cause) {
    return `tfjs cannot differentiate it twice (${(cause as Error).message.split("\n")[0]})`;
  } finally {
    tf.engine().endScope();
  }
}

function faultAt(
  f: TapeFunction,
  x: readonly tf.Tensor[],
  xDot: readonly tf.Tensor[],
  yBar: tf.Tensor,
): string | null {
  const { yDot, bends } = pushForward(f, x, xDot, yBar);
  const bars = pullBack(f, x, yBar);
  const value = f(x);
  if (![value, yDot, ...bends, ...bars].every((each) => values(each).every(Number.isFinite)))
    return "its derivatives are not finite";
  let [first, second] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const step of STEPS) {
    const at = (sign: number) => x.map((each, i) => tf.add(each, tf.mul(xDot[i] as tf.Tensor, sign * step)));
    const slope = (a: tf.Tensor, b: tf.Tensor) => tf.div(tf.sub(a, b), 2 * step);
    const [ahead, behind] = [at(1), at(-1)];
    const barsBehind = pullBack(f, behind, yBar);
    const barSlopes = pullBack(f, ahead, yBar).map((bar, i) => slope(bar, barsBehind[i] as tf.Tensor));
    first = Math.min(first, apart([yDot], [slope(f(ahead), f(behind))], [value]));
    second = Math.min(second, apart(bends, barSlopes, bars));
  }
  if (first <= TOLERANCE && second <= TOLERANCE) return null;
  const [which, off] = first > TOLERANCE ? ["first", first] : ["second", second];
  return `tfjs's ${which} derivatives of it are wrong: off by ${Math.round(100 * (off as number))} % of finite differences`;
}

/** Largest difference over the largest entry; where all are next to nothing beside `scale`, over a tenth of that. */
function apart(a: readonly tf.Tensor[], b: readonly tf.Tensor[], scale: readonly tf.Tensor[]): number {
  const largest = (of: readonly tf.Tensor[]) =>
    of.reduce((most, each) => values(each).reduce((max, value) => Math.max(max, Math.abs(value)), most), 0);
  const differences = a.map((each, i) => tf.sub(each, b[i] as tf.Tensor));
  return largest(differences) / Math.max(largest(b), 0.1 * largest(scale), Number.MIN_VALUE);
}

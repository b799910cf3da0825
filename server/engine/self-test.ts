/** Does this backend differentiate correctly on this machine? Asked at every start, against float64 in plain JavaScript. */
import * as tf from "@tensorflow/tfjs-layers";
import type { SelfTest } from "../../shared/header.ts";
import { createRandom } from "../numerics/random.ts";
import { dot, norm } from "../numerics/vector.ts";
import { compile } from "./compile.ts";
import { createObjective } from "./compiled-objective.ts";
import type { CreateObjective } from "./evaluator.ts";

const INPUTS = 5;
const HIDDEN = 4;
const OUTPUTS = 3;
const EXAMPLES = 7;
/** Float32 gives some 1e-7; a wrong kernel gives 1e-2 or worse. */
const TOLERANCE = 5e-6;

/**
 * A 5-4-3 tanh net under cross-entropy, random data, two random directions. @cost a few milliseconds.
 * @param create  what is tested; by default tfjs's active backend.
 */
export function selfTest(backend: string, create: CreateObjective = createObjective): SelfTest {
  const random = createRandom(20_240_229);
  const inputs = random.fillNormal(new Float32Array(EXAMPLES * INPUTS));
  const labels = Array.from({ length: EXAMPLES }, () => random.integer(OUTPUTS));
  const targets = new Float32Array(EXAMPLES * OUTPUTS);
  labels.forEach((label, i) => {
    targets[i * OUTPUTS + label] = 1;
  });
  const model = tf.sequential({
    layers: [
      tf.layers.dense({
        units: HIDDEN,
        activation: "tanh",
        inputShape: [INPUTS],
        kernelInitializer: "zeros",
      }),
      tf.layers.dense({ units: OUTPUTS, kernelInitializer: "zeros" }),
    ],
  });
  const compiled = compile(model, "cross-entropy");
  model.dispose();
  const theta = random.fillNormal(new Float32Array(compiled.parameterCount));
  const v = random.fillNormal(new Float32Array(compiled.parameterCount));
  const w = random.fillNormal(new Float32Array(compiled.parameterCount));
  const objective = create(compiled, { inputs, targets, size: EXAMPLES });
  const linearised = objective.linearise(theta);
  const hv = linearised.hessianVectorProduct(v);
  const hw = linearised.hessianVectorProduct(w);
  const reference = (at: Float64Array) => gradient64(at, inputs, labels);
  const gradientError = relativeError(linearised.gradient, reference(Float64Array.from(theta)));
  const hvpError = relativeError(hv, difference64(reference, theta, v));
  const asymmetry = Math.abs(dot(hv, w) - dot(v, hw)) / (norm(hv) * norm(w));
  linearised.dispose();
  objective.dispose();
  return {
    backend,
    gradientError,
    hvpError,
    asymmetry,
    passed: gradientError < TOLERANCE && hvpError < TOLERANCE && asymmetry < TOLERANCE,
  };
}

const SPEED = { inputs: 784, hidden: 100, outputs: 10, examples: 1000, repetitions: 3 } as const;

/**
 * Milliseconds of a Hessian-vector product on a 784-100-10 tanh net and 1,000 examples, the fastest of three: what else runs on the machine only
 * ever adds. @cost 0.1 s. @param create  what is timed; by default tfjs's active backend.
 */
export function productMs(create: CreateObjective = createObjective): number {
  const { inputs, hidden, outputs, examples, repetitions } = SPEED;
  const model = tf.sequential({
    layers: [
      tf.layers.dense({
        units: hidden,
        activation: "tanh",
        inputShape: [inputs],
        kernelInitializer: "zeros",
      }),
      tf.layers.dense({ units: outputs, kernelInitializer: "zeros" }),
    ],
  });
  const compiled = compile(model, "half-sum-mse");
  model.dispose();
  const random = createRandom(1);
  const data = {
    inputs: random.fillNormal(new Float32Array(examples * inputs)),
    targets: new Float32Array(examples * outputs),
    size: examples,
  };
  const objective = create(compiled, data);
  const v = random.fillNormal(new Float32Array(compiled.parameterCount));
  const linearised = objective.linearise(v);
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repetitions; i++) {
    const began = performance.now();
    linearised.hessianVectorProduct(v);
    fastest = Math.min(fastest, performance.now() - began);
  }
  linearised.dispose();
  objective.dispose();
  return fastest;
}

/** ∇L of the net above, written out by hand in float64. θ is W₁ [5,4], b₁ [4], W₂ [4,3], b₂ [3]. */
function gradient64(theta: Float64Array, inputs: Float32Array, labels: readonly number[]): Float64Array {
  const [w1, b1, w2, b2] = [
    0,
    INPUTS * HIDDEN,
    INPUTS * HIDDEN + HIDDEN,
    INPUTS * HIDDEN + HIDDEN + HIDDEN * OUTPUTS,
  ];
  const at = (index: number) => theta[index] as number;
  const gradient = new Float64Array(theta.length);
  const add = (index: number, value: number) => {
    gradient[index] = (gradient[index] as number) + value / EXAMPLES;
  };
  labels.forEach((label, example) => {
    const x = (i: number) => inputs[example * INPUTS + i] as number;
    const h = Array.from({ length: HIDDEN }, (_, j) => {
      let z = at(b1 + j);
      for (let i = 0; i < INPUTS; i++) z += x(i) * at(w1 + i * HIDDEN + j);
      return Math.tanh(z);
    });
    const powers = Array.from({ length: OUTPUTS }, (_, k) =>
      Math.exp(h.reduce((z, hj, j) => z + hj * at(w2 + j * OUTPUTS + k), at(b2 + k))),
    );
    const total = powers.reduce((sum, power) => sum + power, 0);
    const delta = powers.map((power, k) => power / total - (k === label ? 1 : 0));
    delta.forEach((d, k) => {
      add(b2 + k, d);
      h.forEach((hj, j) => {
        add(w2 + j * OUTPUTS + k, hj * d);
      });
    });
    h.forEach((hj, j) => {
      const back = delta.reduce((sum, d, k) => sum + d * at(w2 + j * OUTPUTS + k), 0) * (1 - hj * hj);
      add(b1 + j, back);
      for (let i = 0; i < INPUTS; i++) add(w1 + i * HIDDEN + j, x(i) * back);
    });
  });
  return gradient;
}

/** Hv by central differences of the float64 gradient: good to about 1e-10 on a smooth net, which this is. */
function difference64(
  gradient: (theta: Float64Array) => Float64Array,
  theta: Float32Array,
  v: Float32Array,
): Float64Array {
  const step = 1e-5;
  const shifted = (sign: number) =>
    gradient(Float64Array.from(theta, (value, i) => value + sign * step * (v[i] as number)));
  const plus = shifted(1);
  const minus = shifted(-1);
  return plus.map((value, i) => (value - (minus[i] as number)) / (2 * step));
}

function relativeError(found: Float32Array, expected: Float64Array): number {
  let worst = 0;
  let largest = 0;
  found.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - (expected[i] as number)));
    largest = Math.max(largest, Math.abs(expected[i] as number));
  });
  return worst / largest;
}

import * as tf from "@tensorflow/tfjs-core";
import { layers, regularizers, sequential } from "@tensorflow/tfjs-layers";
import { describe, expect, test } from "vitest";
import type { Backend, ModelBackend } from "../../server/engine/backend.ts";
import { type CompiledModel, compile } from "../../server/engine/compile.ts";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import type { CreateObjective } from "../../server/engine/evaluator.ts";
import { objectiveOnLiveInputs } from "../../server/engine/live-inputs.ts";
import type { Objective } from "../../server/engine/objective.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { onEveryBackend } from "./every-backend.ts";
import { derivatives64, loss64 } from "./float64-net.ts";
import { dense, makeCase } from "./make-case.ts";

const SIZES = [12, 7, 4];
const N = 21;
/** The first and the last, one by itself, three in a row. */
const DEAD = [0, 3, 6, 7, 8, 11];
const WIDTH = 7;

function compiledNet(): CompiledModel {
  const model = dense(SIZES, "tanh");
  const compiled = compile(model, "cross-entropy");
  model.dispose();
  return compiled;
}

function darkened() {
  const { net, theta, targets } = makeCase(SIZES, "tanh", "cross-entropy", N);
  const inputs = net.inputs.map((row) => row.map((x, i) => (DEAD.includes(i) ? 0 : x)));
  return {
    net: { ...net, inputs },
    theta,
    data: { inputs: Float32Array.from(inputs.flat()), targets, size: N },
  };
}

/** A backend that says what was opened on it, and whether that was closed again. */
function watched(create: CreateObjective) {
  const opened: CompiledModel[] = [];
  let open = 0;
  const backend: Pick<Backend, "open"> = {
    open(compiled) {
      opened.push(compiled);
      open++;
      const model: Pick<ModelBackend, "createObjective" | "dispose"> = {
        createObjective: (data) => create(compiled, data),
        dispose: () => open--,
      };
      return model as ModelBackend;
    },
  };
  return { backend, opened, stillOpen: () => open };
}

onEveryBackend("an objective without inputs that are always zero, on", (create) => {
  test("has the loss, gradient, Hv and Gv of all inputs, and exact zeros where nothing depends on the weight", () => {
    const compiled = compiledNet();
    const { net, theta, data } = darkened();
    const { backend, opened, stillOpen } = watched(create);
    const on = objectiveOnLiveInputs(backend, compiled, data) as Objective;
    expect(opened.map(({ inputShape, parameterCount }) => [inputShape, parameterCount])).toEqual([
      [[6], compiled.parameterCount - 6 * WIDTH],
    ]);
    expect([on.parameterCount, on.size, on.formula]).toEqual([theta.length, N, compiled.loss.formula]);
    const v = createRandom(2).fillNormal(new Float32Array(theta.length));
    const exact = derivatives64(net, theta, v);
    const whole = create(compiled, data);
    const [atWhole, at] = [whole.linearise(theta), on.linearise(theta)];
    const found = on.gradient(theta);
    const scale = Math.hypot(...exact.hv);
    expect(Math.abs(on.loss(theta) - loss64(net, theta))).toBeLessThan(1e-6);
    expect(found.loss).toBe(on.loss(theta));
    expect(on.evaluate(theta)).toEqual({ loss: found.loss, accuracy: whole.accuracy(theta) });
    expect(on.exampleLosses(theta)).toEqual(found.exampleLosses);
    expect([at.loss, at.theta, at.gradient]).toEqual([found.loss, theta, found.gradient]);
    expect(distance(found.gradient, exact.gradient)).toBeLessThan(2e-6 * Math.hypot(...exact.gradient));
    expect(distance(at.hessianVectorProduct(v), exact.hv)).toBeLessThan(2e-6 * scale);
    expect(distance(at.gaussNewtonProduct(v), atWhole.gaussNewtonProduct(v))).toBeLessThan(2e-6 * scale);
    const out = new Float32Array(theta.length).fill(Number.NaN);
    for (const vector of [found.gradient, at.hessianVectorProduct(v, out), at.gaussNewtonProduct(v)])
      for (const input of DEAD)
        expect([...vector.subarray(input * WIDTH, (input + 1) * WIDTH)]).toEqual(new Array(WIDTH).fill(0));
    for (const each of [at, atWhole, whole, on]) each.dispose();
    expect(stillOpen()).toBe(0);
  });

  test("refuses vectors of another length by name, as any objective does", () => {
    const { theta, data } = darkened();
    const on = objectiveOnLiveInputs(watched(create).backend, compiledNet(), data) as Objective;
    const at = on.linearise(theta);
    const short = new Float32Array(3);
    expect(() => on.loss(short)).toThrow(`theta: expected length ${theta.length}, got 3`);
    expect(() => at.hessianVectorProduct(short)).toThrow(`v: expected length ${theta.length}, got 3`);
    expect(() => on.gradient(theta, short)).toThrow(`out: expected length ${theta.length}, got 3`);
    at.dispose();
    on.dispose();
  });
});

describe("inputs that are always zero", () => {
  const narrowed = (compiled: CompiledModel, of = darkened().data) => {
    const { backend, opened } = watched(createObjective);
    objectiveOnLiveInputs(backend, compiled, of)?.dispose();
    return opened.map(({ inputShape }) => inputShape);
  };
  const onPictures = (...first: Parameters<typeof layers.dense>[0][]) =>
    sequential({
      layers: [
        layers.flatten({ inputShape: [3, 4, 1] }),
        ...first.map((config) => layers.dense(config)),
        layers.dense({ units: 4 }),
      ],
    });
  const compiledOf = (model: ReturnType<typeof sequential>) => compile(model, "cross-entropy");

  test("are left out behind layers that only reshape", async () => {
    await tf.setBackend("cpu");
    expect(narrowed(compiledOf(onPictures({ units: 5 })))).toEqual([[6]]);
  });

  test("stay where a penalty counts all weights, where a convolution comes first, and where there is hardly one", async () => {
    await tf.setBackend("cpu");
    const penalty = regularizers.l2({ l2: 0.1 });
    expect(narrowed(compiledOf(onPictures({ units: 5, kernelRegularizer: penalty })))).toEqual([]);
    const convolution = layers.conv2d({ filters: 2, kernelSize: 2, inputShape: [3, 4, 1] });
    const net = sequential({ layers: [convolution, layers.flatten(), layers.dense({ units: 4 })] });
    expect(narrowed(compiledOf(net))).toEqual([]);
    const { data } = darkened();
    const lit = { ...data, inputs: data.inputs.map((x) => (x === 0 ? 1e-30 : x)) };
    expect(narrowed(compiledOf(onPictures()), lit)).toEqual([]);
    expect(narrowed(compiledOf(onPictures()), { ...data, inputs: new Float32Array(N * 12) })).toEqual([]);
  });
});

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.hypot(...Array.from(a, (value, i) => value - (b[i] as number)));
}

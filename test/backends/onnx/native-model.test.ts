import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setBackend } from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, test } from "vitest";
import { createNativeModel, type NativeModel } from "../../../server/backends/onnx/native-model.ts";
import type { Runtime } from "../../../server/backends/onnx/runtime.ts";
import { type CompiledModel, compile } from "../../../server/engine/compile.ts";
import { createObjective } from "../../../server/engine/compiled-objective.ts";
import type { ObjectiveData } from "../../../server/engine/objective-data.ts";
import { createRandom } from "../../../server/numerics/random.ts";
import { onnxruntime } from "../../engine/every-backend.ts";
import { derivatives64 } from "../../engine/float64-net.ts";
import { dense, makeCase } from "../../engine/make-case.ts";

describe.skipIf(onnxruntime === null)(
  `a model on onnxruntime${onnxruntime === null ? ": skipped, onnxruntime-node is not installed" : ""}`,
  () => {
    const runtime = onnxruntime as Runtime;
    let compiled: CompiledModel;
    let theta: Float32Array;
    beforeAll(async () => {
      await setBackend("cpu");
      compiled = compile(dense([3, 4, 2], "tanh"), "cross-entropy");
      theta = createRandom(1).fillNormal(new Float32Array(compiled.parameterCount));
    });

    /** The same one example, n times. */
    const data = (n: number): ObjectiveData => ({
      inputs: Float32Array.from({ length: 3 * n }, (_, i) => (i % 3) - 1),
      targets: Float32Array.from({ length: 2 * n }, (_, i) => (i + 1) % 2),
      size: n,
    });

    /** Sessions that are open. */
    function watched(): { readonly model: NativeModel; open(): number; opened(): number } {
      let opened = 0;
      let open = 0;
      const watching: Runtime = {
        ...runtime,
        open(graph) {
          const session = runtime.open(graph);
          opened += 1;
          open += 1;
          return {
            ...session,
            dispose() {
              open -= 1;
              session.dispose();
            },
          };
        },
      };
      const model = createNativeModel(watching, compiled);
      return { model, open: () => open, opened: () => opened };
    }

    test("opens a session when it is first needed, keeps those of the sizes last used, and closes all in the end", () => {
      const { model, open, opened } = watched();
      expect(open()).toBe(0);
      const probe = model.createObjective(data(9));
      expect(open()).toBe(0);
      const { loss } = probe.gradient(theta);
      expect(open()).toBe(1);
      const before = opened();
      for (let i = 0; i < 20; i++) {
        const batch = model.createObjective(data(i % 2 === 0 ? 4 : 3));
        expect(Math.abs(batch.gradient(theta).loss - loss)).toBeLessThan(1e-6);
        batch.dispose();
        batch.dispose();
      }
      expect(opened() - before).toBe(2);
      for (let n = 10; n < 30; n++) {
        const other = model.createObjective(data(n));
        other.gradient(theta);
        other.dispose();
      }
      // The probe's, and of the four sizes last used.
      expect(open()).toBe(5);
      expect(probe.gradient(theta).loss).toBe(loss);
      expect(opened() - before).toBe(22);
      probe.dispose();
      model.dispose();
      expect(open()).toBe(0);
    });

    test("keeps two linearisations of one objective apart, and refuses one that was disposed", () => {
      const { net, theta: at, objective } = makeCase([6, 5, 3], "gelu", "mse", 12);
      const model = createNativeModel(runtime, compile(dense([6, 5, 3], "gelu"), "mse"));
      const on = objective((_, of) => model.createObjective(of));
      const v = createRandom(2).fillNormal(new Float32Array(at.length));
      const elsewhere = at.map((value) => 2 * value);
      const check = (hv: Float32Array, point: Float32Array) => {
        const exact = derivatives64(net, point, v).hv;
        const size = Math.max(...exact.map(Math.abs));
        exact.forEach((value, i) => {
          expect(Math.abs((hv[i] as number) - value)).toBeLessThan(2e-6 * size);
        });
      };
      const first = on.linearise(at);
      const second = on.linearise(elsewhere);
      check(first.hessianVectorProduct(v), at);
      check(second.hessianVectorProduct(v), elsewhere);
      first.dispose();
      expect(() => first.hessianVectorProduct(v)).toThrow("this linearisation has been disposed");
      // In the buffers of the first.
      const third = on.linearise(at);
      check(second.hessianVectorProduct(v), elsewhere);
      check(third.hessianVectorProduct(v), at);
      second.dispose();
      third.dispose();
      on.dispose();
      model.dispose();
    });

    test("keeps two objectives of one size apart, also where one has the buffers of a disposed third", () => {
      const { theta: at, objective } = makeCase([6, 5, 3], "tanh", "mse", 12);
      const model = createNativeModel(runtime, compile(dense([6, 5, 3], "tanh"), "mse"));
      const times = (factor: number) =>
        objective((_, of) =>
          model.createObjective({ ...of, inputs: of.inputs.map((value) => factor * value) }),
        );
      const [one, two] = [times(1), times(2)];
      const out = new Float32Array(at.length);
      const first = one.gradient(at).gradient.slice();
      const second = two.gradient(at, out).gradient.slice();
      expect(second).not.toEqual(first);
      expect(one.gradient(at, out).gradient).toEqual(first);
      expect(two.gradient(at).gradient).toEqual(second);
      one.dispose();
      const three = times(3);
      const third = three.gradient(at).gradient;
      expect(third).not.toEqual(first);
      expect(two.gradient(at, out).gradient).toEqual(second);
      expect(out).toEqual(second);
      expect(three.gradient(at).gradient).toEqual(third);
      for (const each of [two, three, model]) each.dispose();
    });

    test("takes examples, θ and v on shared memory", () => {
      const shared = (values: Float32Array) => {
        const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
        copy.set(values);
        return copy;
      };
      const { inputs, targets } = data(2);
      const model = createNativeModel(runtime, compiled);
      const usual = model.createObjective(data(2));
      const on = model.createObjective({ inputs: shared(inputs), targets: shared(targets), size: 2 });
      expect(on.gradient(shared(theta))).toEqual(usual.gradient(theta));
      const at = on.linearise(shared(theta));
      const expected = usual.linearise(theta);
      expect(at.hessianVectorProduct(shared(theta))).toEqual(expected.hessianVectorProduct(theta));
      model.dispose();
    });

    test("takes no more memory after 1,000 gradients, linearisations and Hessian-vector products", () => {
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      const random = createRandom(4);
      const large = compile(dense([100, 256, 10], "tanh"), "half-sum-mse");
      const at = random.fillNormal(new Float32Array(large.parameterCount));
      const model = createNativeModel(runtime, large);
      const on = model.createObjective({
        inputs: random.fillNormal(new Float32Array(1600)),
        targets: new Float32Array(160),
        size: 16,
      });
      const work = (times: number) => {
        for (let i = 0; i < times; i++) {
          on.gradient(at);
          const linearised = on.linearise(at);
          linearised.hessianVectorProduct(at);
          linearised.dispose();
        }
        collect();
        return memoryUsage().rss / 2 ** 20;
      };
      const before = work(200);
      // One array of θ's size kept from each call would be 325 MiB.
      expect(work(1000)).toBeLessThan(before + 40);
      on.dispose();
      model.dispose();
    });

    test("leaves no copy of its results to the garbage collector", () => {
      const large = compile(dense([100, 256, 10], "tanh"), "half-sum-mse");
      const at = createRandom(5).fillNormal(new Float32Array(large.parameterCount));
      const model = createNativeModel(runtime, large);
      const of = { inputs: at.slice(0, 1600), targets: new Float32Array(160), size: 16 };
      const out = new Float32Array(at.length);
      const step = () => {
        const batch = model.createObjective(of);
        batch.gradient(at, out);
        batch.dispose();
      };
      step();
      const before = memoryUsage().arrayBuffers;
      for (let i = 0; i < 20; i++) step();
      expect(memoryUsage().arrayBuffers - before).toBeLessThan(at.byteLength);
      model.dispose();
    });

    describe("where one example takes much memory", () => {
      const side = 24;
      /** 14,400 numbers an example in the windows of a convolution. */
      const pictures = (n: number): ObjectiveData => {
        const random = createRandom(6);
        return {
          inputs: random.fillNormal(new Float32Array(n * side * side)),
          targets: Float32Array.from({ length: 2 * n }, (_, i) => ((i >> 1) + i) % 2),
          size: n,
        };
      };
      const convolution = (more: readonly layers.Layer[] = []) =>
        compile(
          sequential({
            layers: [
              layers.conv2d({ filters: 2, kernelSize: 5, padding: "same", inputShape: [side, side, 1] }),
              ...more,
              layers.activation({ activation: "tanh" }),
              layers.globalAveragePooling2d({}),
              layers.dense({ units: 2 }),
            ],
          }),
          "cross-entropy",
        );
      /** Numbers of examples that sessions were opened for, and what a whole pass on tfjs says of the same. */
      const compared = (model: CompiledModel, n: number) => {
        const sizes = new Set<number>();
        const watching: Runtime = {
          ...runtime,
          open(graph) {
            for (const { name, shape } of graph.inputs) if (name === "x") sizes.add(shape[0] as number);
            return runtime.open(graph);
          },
        };
        const native = createNativeModel(watching, model);
        sizes.clear();
        const random = createRandom(7);
        const at = random.fillNormal(new Float32Array(model.parameterCount));
        const v = random.fillNormal(new Float32Array(model.parameterCount));
        const all = [native.createObjective(pictures(n)), createObjective(model, pictures(n))];
        const [ours, whole] = all.map((objective) => {
          const linearised = objective.linearise(at);
          const found = [
            objective.exampleLosses(at),
            objective.gradient(at).gradient,
            linearised.gradient,
            linearised.hessianVectorProduct(v),
            linearised.gaussNewtonProduct(v),
          ];
          linearised.dispose();
          objective.dispose();
          return found;
        });
        native.dispose();
        const off = ours?.map((found, k) => {
          const expected = whole?.[k] as Float32Array;
          const largest = Math.max(...expected.map(Math.abs));
          return Math.max(...found.map((value, i) => Math.abs(value - (expected[i] as number)))) / largest;
        });
        return { sizes: [...sizes], off: Math.max(...(off ?? [Number.NaN])) };
      };

      test("examples are computed a few at a time", () => {
        const { sizes, off } = compared(convolution(), 71);
        expect(sizes.sort((a, b) => a - b)).toEqual([17, 18]);
        expect(off).toBeLessThan(5e-6);
      });

      test("but together where there are few of them, or where each depends on all", () => {
        expect(compared(convolution(), 30).sizes).toEqual([30]);
        const { sizes, off } = compared(convolution([layers.batchNormalization()]), 71);
        expect(sizes).toEqual([71]);
        expect(off).toBeLessThan(5e-6);
      });
    });

    test("is refused when its rules do not print as they should", () => {
      const { rules } = compiled;
      const [first] = rules;
      if (first === undefined) throw new Error("no rule");
      const wrong = { ...first, forward: <T>(_ops: unknown, x: T) => x };
      expect(() => createNativeModel(runtime, { ...compiled, rules: [wrong, ...rules.slice(1)] })).toThrow(
        "the losses of the two passes are not the same node",
      );
    });
  },
);

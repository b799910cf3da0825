import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BackendError } from "../../server/backends/backend-error.ts";
import { loadRuntime, type Runtime } from "../../server/backends/onnx/runtime.ts";
import { openBackend } from "../../server/backends/select.ts";
import { type CompiledModel, compile } from "../../server/engine/compile.ts";
import { EngineError } from "../../server/engine/engine-error.ts";
import { selfTest } from "../../server/engine/self-test.ts";
import { onnxruntime } from "../engine/every-backend.ts";
import { dense } from "../engine/make-case.ts";

/** tfjs-node is an optional dependency: what is expected depends on whether it is here. */
const hasNative = await import("@tensorflow/tfjs-node" as string).then(
  () => true,
  () => false,
);
const hasOnnx = onnxruntime !== null;

vi.mock(import("../../server/backends/onnx/runtime.ts"), async (importOriginal) => {
  const original = await importOriginal();
  return { ...original, loadRuntime: vi.fn(original.loadRuntime) };
});

function withoutOnnx(): void {
  vi.mocked(loadRuntime).mockImplementation(() => {
    throw Object.assign(new Error("Cannot find module"), { code: "MODULE_NOT_FOUND" });
  });
}

/** A runtime that does something else with the results. */
function onRuntime(after: (values: Float32Array) => void): void {
  const right = onnxruntime as Runtime;
  const valuesOf = new WeakMap<object, Float32Array>();
  vi.mocked(loadRuntime).mockReturnValue({
    ...right,
    tensor(values, shape) {
      const tensor = right.tensor(values, shape);
      valuesOf.set(tensor, values);
      return tensor;
    },
    open(graph) {
      const session = right.open(graph);
      return {
        ...session,
        run(feeds, fetches) {
          session.run(feeds, fetches);
          for (const fetch of Object.values(fetches)) after(valuesOf.get(fetch) as Float32Array);
        },
      };
    },
  });
}

const single = { allowNative: false } as const;

afterEach(() => {
  vi.restoreAllMocks();
  vi.mocked(loadRuntime).mockReset();
});

describe("openBackend", () => {
  test.each([
    "wasm",
    "cpu",
    ...(hasOnnx ? (["onnx"] as const) : []),
    ...(hasNative ? (["tfjs-node"] as const) : []),
  ] as const)(
    "opens %s when it is forced, with a passed self-test, silently and without leaks",
    async (name) => {
      const noise = (["log", "warn", "error", "info"] as const).map((method) =>
        vi.spyOn(console, method).mockImplementation(() => undefined),
      );
      const opened = await openBackend(name, single);
      expect(opened).toMatchObject({ name, note: null, selfTest: { backend: name, passed: true } });
      const active = { onnx: "wasm", "tfjs-node": "tensorflow", wasm: "wasm", cpu: "cpu" };
      expect(tf.getBackend()).toBe(active[name]);
      expect(opened.selfTest.gradientError).toBeLessThan(1e-6);
      expect(opened.selfTest.hvpError).toBeLessThan(1e-6);
      expect(opened.selfTest.asymmetry).toBeLessThan(1e-6);
      expect(tf.memory().numTensors).toBe(0);
      for (const spy of noise) expect(spy).not.toHaveBeenCalled();
    },
  );

  test.runIf(hasOnnx)("auto takes onnx where it is installed, on each thread", async () => {
    expect(await openBackend("auto", single)).toMatchObject({ name: "onnx", note: null });
  });

  test("auto takes wasm where neither is installed or allowed, and says so", async () => {
    withoutOnnx();
    const opened = await openBackend("auto", single);
    expect(opened).toMatchObject({ name: "wasm", note: "onnxruntime-node is not installed" });
    const compiled = compileSmall();
    expect(opened.open(compiled)).toMatchObject({
      name: "wasm",
      note: "onnxruntime-node is not installed",
    });
  });

  test.runIf(hasNative)(
    "auto takes tfjs-node where onnx is missing and one thread asks, unless it is slower",
    async () => {
      withoutOnnx();
      const { name, note } = await openBackend("auto", { allowNative: true });
      if (name === "wasm") expect(note).toMatch(/tfjs-node is slower than wasm here/);
      else expect(name).toBe("tfjs-node");
      expect(tf.getBackend()).toBe(name === "wasm" ? "wasm" : "tensorflow");
      expect(await openBackend("auto", single)).toMatchObject({ name: "wasm" });
    },
  );

  test.skipIf(hasNative)("auto falls back to wasm where tfjs-node is missing, and says so", async () => {
    withoutOnnx();
    const opened = await openBackend("auto", { allowNative: true });
    expect(opened.name).toBe("wasm");
    expect(opened.note).toBe("onnxruntime-node is not installed; tfjs-node is not installed");
  });

  test.skipIf(hasNative)("forcing tfjs-node where it is missing is one sentence with a code", async () => {
    const attempt = openBackend("tfjs-node", { allowNative: true });
    await expect(attempt).rejects.toThrow(BackendError);
    await expect(attempt).rejects.toMatchObject({
      code: "backend-unavailable",
      message: "backend tfjs-node: tfjs-node is not installed",
    });
  });

  test("forcing onnx where it is missing, or another release, is one sentence with a code", async () => {
    withoutOnnx();
    await expect(openBackend("onnx", single)).rejects.toMatchObject({
      code: "backend-unavailable",
      message: "backend onnx: onnxruntime-node is not installed",
    });
    vi.mocked(loadRuntime).mockImplementation(() => {
      throw new Error("version 2.0.0, expected 1.30");
    });
    await expect(openBackend("onnx", single)).rejects.toMatchObject({
      message: "backend onnx: onnxruntime-node does not load (version 2.0.0, expected 1.30)",
    });
  });

  test.runIf(hasOnnx)("an onnxruntime that computes wrongly is passed over", async () => {
    onRuntime((values) => {
      values[0] = 1.0001 * (values[0] as number);
    });
    const opened = await openBackend("auto", single);
    expect(opened.name).toBe("wasm");
    expect(opened.note).toMatch(/^onnx fails its self-test \(gradient .*e-5, Hv .*\)$/);
    await expect(openBackend("onnx", single)).rejects.toThrow("onnx fails its self-test");
  });

  test("a backend that computes wrongly is passed over: tanh's derivative off by a thousandth", async () => {
    withoutOnnx();
    await openBackend("wasm", single);
    const right = tf.getKernel("Tanh", "wasm");
    tf.unregisterKernel("Tanh", "wasm");
    tf.registerKernel({
      kernelName: "Tanh",
      backendName: "wasm",
      kernelFunc: ({ inputs }) =>
        tf.mul(tf.sub(1, tf.div(2, tf.add(tf.exp(tf.mul(inputs["x"] as tf.Tensor, 2)), 1))), 1.001),
    });
    try {
      const result = selfTest("wasm");
      expect(result.passed).toBe(false);
      expect(result.gradientError).toBeGreaterThan(1e-5);
      const opened = await openBackend("auto", single);
      expect(opened.name).toBe("cpu");
      expect(opened.note).toMatch(
        /^onnxruntime-node is not installed; wasm fails its self-test \(gradient .*, Hv .*\)$/,
      );
    } finally {
      tf.unregisterKernel("Tanh", "wasm");
      if (right) tf.registerKernel(right);
    }
    expect((await openBackend("auto", single)).name).toBe("wasm");
  });
});

describe.runIf(hasOnnx)("a model that cannot be printed as a graph", () => {
  let unprintable: CompiledModel;
  beforeEach(async () => {
    await openBackend("cpu", single);
    const compiled = compileSmall();
    const [first] = compiled.rules;
    if (first === undefined) throw new Error("no rule");
    const rule: typeof first = {
      ...first,
      forward(ops, x, w) {
        // As an operation would that only tfjs has.
        if (typeof x === "string") throw new Error("fold: not printed as ONNX");
        return first.forward(ops, x, w);
      },
    };
    unprintable = { ...compiled, rules: [rule, ...compiled.rules.slice(1)] };
  });

  test("is computed on wasm under auto, with a note", async () => {
    const model = (await openBackend("auto", single)).open(unprintable);
    expect(model).toMatchObject({
      name: "wasm",
      note: "onnx cannot compute this model (fold: not printed as ONNX)",
      selfTest: { backend: "wasm" },
    });
    const objective = model.createObjective({
      inputs: Float32Array.of(1, 2, 3),
      targets: Float32Array.of(0, 1),
      size: 1,
    });
    expect(objective.loss(new Float32Array(objective.parameterCount))).toBeCloseTo(Math.log(2));
    objective.dispose();
    model.dispose();
    expect(tf.memory().numTensors).toBe(0);
  });

  test("is refused where onnx is forced", async () => {
    const backend = await openBackend("onnx", single);
    expect(() => backend.open(unprintable)).toThrow(
      new EngineError("unsupported-layer", "backend onnx: fold: not printed as ONNX"),
    );
  });
});

function compileSmall(): CompiledModel {
  const model = dense([3, 4, 2], "tanh");
  const compiled = compile(model, "cross-entropy");
  model.dispose();
  return compiled;
}

import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { BackendError, openBackend } from "../../server/backends/select.ts";
import { selfTest } from "../../server/engine/self-test.ts";

/** tfjs-node is an optional dependency: what is expected depends on whether it is here. */
const hasNative = await import("@tensorflow/tfjs-node" as string).then(
  () => true,
  () => false,
);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("openBackend", () => {
  test.each(["wasm", "cpu"] as const)(
    "opens %s when it is forced, with a passed self-test, silently and without leaks",
    async (name) => {
      const noise = (["log", "warn", "error", "info"] as const).map((method) =>
        vi.spyOn(console, method).mockImplementation(() => undefined),
      );
      const opened = await openBackend(name, { allowNative: false });
      expect(opened).toMatchObject({ name, note: null, selfTest: { backend: name, passed: true } });
      expect(tf.getBackend()).toBe(name);
      expect(opened.selfTest.gradientError).toBeLessThan(1e-6);
      expect(opened.selfTest.hvpError).toBeLessThan(1e-6);
      expect(opened.selfTest.asymmetry).toBeLessThan(1e-6);
      expect(tf.memory().numTensors).toBe(0);
      for (const spy of noise) expect(spy).not.toHaveBeenCalled();
    },
  );

  test("auto takes wasm where native code is not allowed", async () => {
    expect((await openBackend("auto", { allowNative: false })).name).toBe("wasm");
  });

  test.skipIf(hasNative)("auto falls back to wasm where tfjs-node is missing, and says so", async () => {
    const opened = await openBackend("auto", { allowNative: true });
    expect(opened.name).toBe("wasm");
    expect(opened.note).toBe("tfjs-node is not installed");
  });

  test.skipIf(hasNative)("forcing tfjs-node where it is missing is one sentence with a code", async () => {
    const attempt = openBackend("tfjs-node", { allowNative: true });
    await expect(attempt).rejects.toThrow(BackendError);
    await expect(attempt).rejects.toMatchObject({
      code: "backend-unavailable",
      message: "backend tfjs-node: tfjs-node is not installed",
    });
  });

  test("a backend that computes wrongly is passed over: tanh's derivative off by a thousandth", async () => {
    await openBackend("wasm", { allowNative: false });
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
      const opened = await openBackend("auto", { allowNative: false });
      expect(opened.name).toBe("cpu");
      expect(opened.note).toMatch(/^wasm fails its self-test \(gradient .*, Hv .*\)$/);
    } finally {
      tf.unregisterKernel("Tanh", "wasm");
      if (right) tf.registerKernel(right);
    }
    expect((await openBackend("auto", { allowNative: false })).name).toBe("wasm");
  });
});

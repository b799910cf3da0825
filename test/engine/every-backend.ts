/** The backends that the engine's tests run on: those that are always there, and onnxruntime and tfjs-node where they are installed. */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe } from "vitest";
import { NativeGate } from "../../server/backends/native-gate.ts";
import { createNativeModel } from "../../server/backends/onnx/native-model.ts";
import { loadRuntime, type Runtime } from "../../server/backends/onnx/runtime.ts";
import { loadTfjsNode } from "../../server/backends/tfjs-node.ts";
import { createObjective } from "../../server/engine/compiled-objective.ts";
import type { CreateObjective } from "../../server/engine/evaluator.ts";

/** Optional too, and rarely there: test/tfjs-node/lane.mjs sees to it. */
export const hasTfjsNode: boolean = await loadTfjsNode().then(
  () => true,
  () => false,
);

export const onnxruntime: Runtime | null = (() => {
  try {
    return loadRuntime(new NativeGate());
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw cause;
    return null;
  }
})();

/** With sessions of its own, which end with the objective. */
export const onOnnx: CreateObjective = (compiled, data) => {
  if (onnxruntime === null) throw new Error("onnxruntime-node is not installed");
  const model = createNativeModel(onnxruntime, compiled);
  try {
    const objective = model.createObjective(data);
    return {
      ...objective,
      dispose() {
        objective.dispose();
        model.dispose();
      },
    };
  } catch (cause) {
    model.dispose();
    throw cause;
  }
};

/** @param tests  what each backend must do; `create` makes objectives on it. */
export function onEveryBackend(
  title: string,
  tests: (create: CreateObjective, backend: string) => void,
): void {
  const suite = (backend: string, tfjs: string, create: CreateObjective, isMissing: boolean) => {
    const because = isMissing ? ": skipped, onnxruntime-node is not installed" : "";
    describe.skipIf(isMissing)(`${title} ${backend}${because}`, () => {
      beforeAll(async () => {
        if (!(await tf.setBackend(tfjs))) throw new Error(`${tfjs} does not start`);
      });
      tests(create, backend);
    });
  };
  suite("wasm", "wasm", createObjective, false);
  suite("cpu", "cpu", createObjective, false);
  if (hasTfjsNode) suite("tfjs-node", "tensorflow", createObjective, false);
  // Models are built on tfjs.
  suite("onnx", "cpu", onOnnx, onnxruntime === null);
}

/** The layer rules on onnxruntime-node, where it is installed and computes rightly; tfjs beneath it builds models. */
import type { Backend } from "../../engine/backend.ts";
import { EngineError } from "../../engine/engine-error.ts";
import { selfTest } from "../../engine/self-test.ts";
import { createNativeModel } from "./native-model.ts";
import type { Runtime } from "./runtime.ts";

/**
 * @param beneath  the tfjs backend that is active.
 * @param isForced  refuse a model that cannot be printed; otherwise `beneath` computes it, with a note.
 */
export function openOnnx(runtime: Runtime, beneath: Backend, isForced: boolean): Backend {
  const facts = {
    name: "onnx",
    selfTest: selfTest("onnx", (compiled, data) => {
      const model = createNativeModel(runtime, compiled);
      const objective = model.createObjective(data);
      return { ...objective, dispose: () => model.dispose() };
    }),
    note: null,
  };
  return {
    ...facts,
    open(compiled) {
      try {
        return { ...facts, ...createNativeModel(runtime, compiled) };
      } catch (cause) {
        const why = (cause as Error).message.split("\n")[0];
        if (isForced) throw new EngineError("unsupported-layer", `backend onnx: ${why}`);
        return { ...beneath.open(compiled), note: `onnx cannot compute this model (${why})` };
      }
    },
  };
}

/**
 * onnxruntime-node, called synchronously.
 *
 * Its documented `run` defers a synchronous native call to the next turn of the event loop and returns a promise. An objective is
 * synchronous (docs/adr/0004), so this calls the native object beneath: dist/binding.js, which is no documented interface. Therefore the
 * version is checked, and the functions, and no result is believed before the self-test has passed.
 */
import { createRequire } from "node:module";
import { MessageChannel } from "node:worker_threads";
import type { NativeGate } from "../native-gate.ts";
import type { Graph } from "./graph.ts";
import { modelBytes } from "./model-bytes.ts";

/** The release whose native object has been tested. */
const VERSION = "1.30";

/** A view of the values it was made of: what is written to them is fed, what is fetched is found in them. */
export interface NativeTensor {
  readonly data: Float32Array;
}
export type NamedTensors = Readonly<Record<string, NativeTensor>>;

export interface Runtime {
  readonly version: string;
  /** @param values  on memory of this thread's own, no SharedArrayBuffer. */
  tensor(values: Float32Array, shape: readonly number[]): NativeTensor;
  /** @throws {Error} when it refuses the graph. */
  open(graph: Graph): GraphSession;
}

/** One graph, ready to run on one core. */
export interface GraphSession {
  /** Computes every output of the graph into the tensor given for it. */
  run(feeds: NamedTensors, fetches: NamedTensors): void;
  dispose(): void;
}

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  run(feeds: NamedTensors, fetches: NamedTensors, options: object): NamedTensors;
  dispose(): void;
}

interface Binding {
  readonly binding: { readonly InferenceSession: new () => NativeSession };
  initOrt(): void;
}

interface Common {
  readonly Tensor: new (type: "float32", values: Float32Array, shape: readonly number[]) => NativeTensor;
  readonly env: { logLevel?: string };
}

/** What is printed is what runs: no rewriting, so that equal nodes of two graphs give equal bits. Measured: nothing is lost by it. */
const OPTIONS = {
  graphOptimizationLevel: "disabled",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  // An arena would keep the largest run's memory for as long as the session lives.
  enableCpuMemArena: false,
  // What it would say on stderr comes as an exception, too.
  logSeverityLevel: 4,
};

/** @throws {Error} with code MODULE_NOT_FOUND where the package is missing; with a sentence where it is not one that works here. */
export function loadRuntime(
  gate: NativeGate,
  require: NodeJS.Require = createRequire(import.meta.url),
): Runtime {
  const { version } = require("onnxruntime-node/package.json") as { version: string };
  if (!version.startsWith(`${VERSION}.`)) throw new Error(`version ${version}, expected ${VERSION}`);
  const path = require.resolve("onnxruntime-node/dist/binding.js");
  // Its own copy of onnxruntime-common, wherever npm has put it.
  const { Tensor, env } = createRequire(path)("onnxruntime-common") as Common;
  env.logLevel = "fatal";
  const { binding, initOrt } = gate.pass(() => bindingAt(path));
  for (const method of ["loadModel", "run", "dispose"] as const) {
    if (typeof binding?.InferenceSession?.prototype?.[method] !== "function")
      throw new Error(`its native session has no ${method}`);
  }
  gate.pass(initOrt);
  return {
    version,
    tensor: (values, shape) => new Tensor("float32", values, shape),
    open(graph) {
      const bytes = modelBytes(graph);
      const session = gate.pass(() => {
        const opened = new binding.InferenceSession();
        opened.loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, OPTIONS);
        return opened;
      });
      return {
        run(feeds, fetches) {
          free(
            gate.pass(() => session.run(feeds, fetches, {})),
            fetches,
          );
        },
        dispose: () => gate.pass(() => session.dispose()),
      };
    },
  };
}

/** Its other end is closed: what is sent goes nowhere, and what is transferred is given up all the same. */
const nowhere = (() => {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.close();
  return port1;
})();

/**
 * The binding returns a second copy of each output in a buffer of its own. Left to the garbage collector, those of a small network's steps,
 * a thousand a second, keep its helper threads busy for a third of a core. Transferred, they are freed at once.
 */
function free(copies: NamedTensors, fetches: NamedTensors): void {
  const buffers = Object.entries(copies).flatMap(([name, { data }]) =>
    data.buffer === fetches[name]?.data.buffer ? [] : [data.buffer as ArrayBuffer],
  );
  nowhere.postMessage(undefined, buffers);
}

function bindingAt(path: string): Binding {
  try {
    return createRequire(path)(path) as Binding;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw cause;
    throw new Error(`it has no binary for ${process.platform} on ${process.arch}`);
  }
}

/** Which backend computes here: the best one that loads and passes the self-test. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type { Backend } from "../engine/backend.ts";
import { createObjective } from "../engine/compiled-objective.ts";
import { productMs, selfTest } from "../engine/self-test.ts";
import { boundMemory } from "../engine/tensor-memory.ts";
import { BackendError } from "./backend-error.ts";
import { NativeGate } from "./native-gate.ts";
import { openOnnx } from "./onnx/open-onnx.ts";
import { loadRuntime } from "./onnx/runtime.ts";
import { loadTfjsNode } from "./tfjs-node.ts";

// Silences tfjs's advice to install another backend; its errors are thrown all the same.
tf.enableProdMode();

export type BackendChoice = "auto" | "onnx" | "tfjs-node" | "wasm" | "cpu";
type BackendName = Exclude<BackendChoice, "auto">;

export interface BackendOptions {
  /** tfjs-node can be loaded by one thread of a process only (tfjs issue 8388): true for that one. */
  readonly allowNative: boolean;
  /** Of a thread that another may end. */
  readonly gate?: NativeGate;
}

/**
 * Also leaves a tfjs backend active, on which models are built.
 * @throws {BackendError} when the forced one does not load, or none passes its self-test.
 */
export async function openBackend(
  choice: BackendChoice,
  { allowNative, gate = new NativeGate() }: BackendOptions,
): Promise<Backend> {
  const candidates: readonly BackendName[] =
    choice === "auto" ? ["onnx", ...(allowNative ? ["tfjs-node" as const] : []), "wasm", "cpu"] : [choice];
  return firstOf(candidates, choice, gate);
}

async function firstOf(
  candidates: readonly BackendName[],
  choice: BackendChoice,
  gate: NativeGate,
): Promise<Backend> {
  const notes: string[] = [];
  for (const name of candidates) {
    try {
      const backend =
        name === "onnx" ? await onnx(choice === "onnx", gate) : await tfjs(name, choice === "auto");
      const { passed, gradientError, hvpError } = backend.selfTest;
      if (passed) return noted(backend, notes);
      notes.push(
        `${name} fails its self-test (gradient ${gradientError.toExponential(1)}, Hv ${hvpError.toExponential(1)}, expected < 5e-6)`,
      );
    } catch (cause) {
      notes.push(reason(name, cause));
    }
  }
  throw new BackendError(`backend ${choice}: ${notes.join("; ")}`);
}

function noted(backend: Backend, notes: readonly string[]): Backend {
  const joined = (own: string | null) => [...notes, ...(own === null ? [] : [own])].join("; ") || null;
  return {
    ...backend,
    note: joined(backend.note),
    open(compiled) {
      const model = backend.open(compiled);
      return { ...model, note: joined(model.note) };
    },
  };
}

async function tfjs(name: Exclude<BackendName, "onnx">, mustBeFast: boolean): Promise<Backend> {
  if (name === "tfjs-node") await loadTfjsNode();
  if (name === "wasm") await import("@tensorflow/tfjs-backend-wasm");
  await activate(name);
  const facts = { name, selfTest: selfTest(name), note: null };
  if (name === "tfjs-node" && mustBeFast) await compareWithWasm();
  return {
    ...facts,
    open: (compiled) => ({
      ...facts,
      createObjective: (data) => createObjective(compiled, data),
      dispose() {},
    }),
  };
}

async function activate(name: Exclude<BackendName, "onnx">): Promise<void> {
  if (!(await tf.setBackend(name === "tfjs-node" ? "tensorflow" : name)))
    throw new Error("tfjs cannot start it");
  await tf.ready();
  boundMemory();
}

/** A native library built for another processor may be slower than what comes with every installation. */
async function compareWithWasm(): Promise<void> {
  const nativeMs = productMs();
  await import("@tensorflow/tfjs-backend-wasm");
  await activate("wasm");
  const wasmMs = productMs();
  if (nativeMs > wasmMs) throw new SlowBackend(nativeMs, wasmMs);
  await activate("tfjs-node");
}

class SlowBackend extends Error {
  constructor(ms: number, wasmMs: number) {
    super(
      `tfjs-node is slower than wasm here (Hv ${ms.toPrecision(2)} ms, wasm ${wasmMs.toPrecision(2)} ms)`,
    );
  }
}

async function onnx(isForced: boolean, gate: NativeGate): Promise<Backend> {
  const runtime = loadRuntime(gate);
  return openOnnx(runtime, await firstOf(["wasm", "cpu"], "auto", gate), isForced);
}

function reason(name: string, cause: unknown): string {
  if (cause instanceof SlowBackend) return cause.message;
  const { code, message = String(cause) } = cause as { code?: string; message?: string };
  const what = name === "onnx" ? "onnxruntime-node" : name;
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") return `${what} is not installed`;
  return `${what} does not load (${message.split("\n")[0]})`;
}

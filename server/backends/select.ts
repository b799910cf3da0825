/** Which tfjs backend runs here: the best one that loads and passes the self-test. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type { SelfTest } from "../../shared/header.ts";
import { selfTest } from "../engine/self-test.ts";

// Silences tfjs's advice to install another backend; its errors are thrown all the same.
tf.enableProdMode();

export type BackendChoice = "auto" | "tfjs-node" | "wasm" | "cpu";

export interface OpenedBackend {
  readonly name: Exclude<BackendChoice, "auto">;
  readonly selfTest: SelfTest;
  /** What was tried first, and why it is not used; null when the first choice serves. */
  readonly note: string | null;
}

export class BackendError extends Error {
  readonly code = "backend-unavailable";

  constructor(message: string) {
    super(message);
    this.name = "BackendError";
  }
}

/**
 * @param allowNative  tfjs-node can be loaded by one thread of a process only (tfjs issue 8388): true for that one.
 * @throws {BackendError} when the forced one does not load, or none passes its self-test.
 */
export async function openBackend(
  choice: BackendChoice,
  { allowNative }: { readonly allowNative: boolean },
): Promise<OpenedBackend> {
  const candidates =
    choice === "auto" ? ([...(allowNative ? ["tfjs-node" as const] : []), "wasm", "cpu"] as const) : [choice];
  const notes: string[] = [];
  for (const name of candidates) {
    try {
      await activate(name);
      const result = selfTest(name);
      if (result.passed) return { name, selfTest: result, note: notes.join("; ") || null };
      notes.push(
        `${name} fails its self-test (gradient ${result.gradientError.toExponential(1)}, Hv ${result.hvpError.toExponential(1)}, expected < 5e-6)`,
      );
    } catch (cause) {
      notes.push(reason(name, cause));
    }
  }
  throw new BackendError(`backend ${choice}: ${notes.join("; ")}`);
}

async function activate(name: Exclude<BackendChoice, "auto">): Promise<void> {
  if (name === "tfjs-node") await import(nativePackage);
  if (name === "wasm") await import("@tensorflow/tfjs-backend-wasm");
  if (!(await tf.setBackend(name === "tfjs-node" ? "tensorflow" : name)))
    throw new Error("tfjs cannot start it");
  await tf.ready();
}

function reason(name: string, cause: unknown): string {
  const { code, message = String(cause) } = cause as { code?: string; message?: string };
  if (code === "ERR_MODULE_NOT_FOUND") return `${name} is not installed`;
  return `${name} does not load (${message.split("\n")[0]})`;
}

/** In a variable, because the package is optional and may not be there to be type-checked. */
const nativePackage: string = "@tensorflow/tfjs-node";

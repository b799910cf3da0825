/** Which tfjs backend runs here: the best one that loads and passes the self-test. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type { SelfTest } from "../../shared/header.ts";
import { selfTest } from "../engine/self-test.ts";

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
    const problem = await activate(name);
    if (problem === null) {
      const result = selfTest(name);
      if (result.passed) return { name, selfTest: result, note: notes.join("; ") || null };
      notes.push(
        `${name} fails its self-test (gradient ${result.gradientError.toExponential(1)}, Hv ${result.hvpError.toExponential(1)}, expected < 5e-6)`,
      );
    } else {
      notes.push(problem);
    }
  }
  throw new BackendError(`backend ${choice}: ${notes.join("; ")}`);
}

/** null when it is active now. */
async function activate(name: Exclude<BackendChoice, "auto">): Promise<string | null> {
  try {
    if (name === "tfjs-node") await import(nativePackage);
    if (name === "wasm") await import("@tensorflow/tfjs-backend-wasm");
    if (await tf.setBackend(name === "tfjs-node" ? "tensorflow" : name)) {
      await tf.ready();
      return null;
    }
    return `${name} does not start`;
  } catch (cause) {
    const missing = (cause as { code?: string }).code === "ERR_MODULE_NOT_FOUND";
    return missing ? `${name} is not installed` : `${name} does not load (${firstLine(cause)})`;
  }
}

/** In a variable, because the package is optional and may not be there to be type-checked. */
const nativePackage: string = "@tensorflow/tfjs-node";

function firstLine(cause: unknown): string {
  return String(cause instanceof Error ? cause.message : cause).split("\n")[0] ?? "";
}

/** Loading tfjs-node 4.22 on a Node that has less than it was made for. */
import { createRequire } from "node:module";

/** In a variable, because the package is optional and may not be there to be type-checked. */
const nativePackage: string = "@tensorflow/tfjs-node";

/**
 * Registers the backend "tensorflow". tfjs-node calls two functions that Node 23 has removed from `util`; they are put back for it.
 * @throws what the package throws where it is not installed or its library does not load.
 */
export async function loadTfjsNode(): Promise<void> {
  restoreUtil(createRequire(import.meta.url)("node:util") as Record<string, unknown>);
  await import(nativePackage);
}

/** @param util  the exports of node:util, as `require` hands them to everybody. */
export function restoreUtil(util: Record<string, unknown>): void {
  util["isNullOrUndefined"] ??= (value: unknown) => value === null || value === undefined;
  util["isArray"] ??= Array.isArray;
}

import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { NativeGate } from "../../../server/backends/native-gate.ts";
import { loadRuntime } from "../../../server/backends/onnx/runtime.ts";
import { onnxruntime } from "../../engine/every-backend.ts";

/** A `require` that finds only these modules. */
function requireOf(modules: Readonly<Record<string, unknown>>): NodeJS.Require {
  const resolve = (name: string) => {
    if (name in modules) return name;
    throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
  };
  return Object.assign((name: string) => modules[resolve(name)], { resolve }) as unknown as NodeJS.Require;
}

const load = (modules: Readonly<Record<string, unknown>>) => () =>
  loadRuntime(new NativeGate(), requireOf(modules));

describe("loading onnxruntime-node", () => {
  test("says by a code that it is not installed", () => {
    expect(load({})).toThrow(expect.objectContaining({ code: "MODULE_NOT_FOUND" }));
  });

  test("refuses a release whose native object has not been tested", () => {
    const other = { "onnxruntime-node/package.json": { version: "1.31.2" } };
    expect(load(other)).toThrow("version 1.31.2, expected 1.30");
  });

  test("tests the release that package.json asks for", () => {
    const { optionalDependencies } = createRequire(import.meta.url)("../../../package.json");
    expect(load({ "onnxruntime-node/package.json": { version: optionalDependencies["onnxruntime-node"] } }))
      // Past the check of the version.
      .toThrow(expect.objectContaining({ code: "MODULE_NOT_FOUND" }));
  });
});

describe.skipIf(onnxruntime === null)("onnxruntime", () => {
  test("refuses a graph with its reason", () => {
    const graph = {
      inputs: [{ name: "a", shape: [2, 3] }],
      outputs: [{ name: "b", shape: [2, 3] }],
      constants: [],
      nodes: [{ op: "Gemm", inputs: ["a", "a"], output: "b", attributes: {} }],
    };
    expect(() => onnxruntime?.open(graph)).toThrow();
    expect(() =>
      onnxruntime?.open({
        ...graph,
        nodes: [{ op: "Nonsense", inputs: ["a"], output: "b", attributes: {} }],
      }),
    ).toThrow(/Nonsense/);
  });
});

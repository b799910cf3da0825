import { describe, expect, test } from "vitest";
import type { Graph } from "../../../server/backends/onnx/graph.ts";
import { modelBytes } from "../../../server/backends/onnx/model-bytes.ts";
import type { Runtime } from "../../../server/backends/onnx/runtime.ts";
import { onnxruntime } from "../../engine/every-backend.ts";
import { decodeModel } from "./decode-model.ts";

/** b = max over columns of reshape(aᵀ·a): 300 examples, so that a size takes two bytes. */
const graph: Graph = {
  inputs: [{ name: "a", shape: [2, 300] }],
  outputs: [{ name: "b", shape: [900, 1] }],
  constants: [
    { name: "into", shape: [2], values: BigInt64Array.of(900n, -1n) },
    { name: "λ", shape: [], values: Float32Array.of(0.5) },
  ],
  nodes: [
    { op: "Gemm", inputs: ["a", "a"], output: "square", attributes: { transA: 1, transB: 0 } },
    { op: "Mul", inputs: ["square", "λ"], output: "half", attributes: {} },
    { op: "Reshape", inputs: ["half", "into"], output: "tall", attributes: {} },
    { op: "ReduceMax", inputs: ["tall"], output: "b", attributes: { axes: [-1] } },
  ],
};

describe("the bytes of a model", () => {
  test("say what the graph says, in ONNX's fields", () => {
    const integer = (i: number) => ({ type: 2, i: [i], ints: [] });
    expect(decodeModel(modelBytes(graph))).toEqual({
      irVersion: 8,
      producer: "thalweg",
      opset: { domain: "", version: 16 },
      graph: {
        name: "thalweg",
        nodes: [
          {
            op: "Gemm",
            inputs: ["a", "a"],
            outputs: ["square"],
            attributes: { transA: integer(1), transB: integer(0) },
          },
          { op: "Mul", inputs: ["square", "λ"], outputs: ["half"], attributes: {} },
          { op: "Reshape", inputs: ["half", "into"], outputs: ["tall"], attributes: {} },
          {
            op: "ReduceMax",
            inputs: ["tall"],
            outputs: ["b"],
            attributes: { axes: { type: 7, i: [], ints: [-1] } },
          },
        ],
        initializers: [
          {
            name: "into",
            dims: [2],
            type: 7,
            raw: [0x84, 3, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
          },
          { name: "λ", dims: [], type: 1, raw: [0, 0, 0, 0x3f] },
        ],
        inputs: [{ name: "a", type: 1, dims: [2, 300] }],
        outputs: [{ name: "b", type: 1, dims: [900, 1] }],
      },
    });
  });

  test.skipIf(onnxruntime === null)("are what onnxruntime takes them for", () => {
    const { open, tensor } = onnxruntime as Runtime;
    const session = open(graph);
    const a = Float32Array.from({ length: 600 }, (_, i) => Math.sin(i));
    const b = new Float32Array(900);
    session.run({ a: tensor(a, [2, 300]) }, { b: tensor(b, [900, 1]) });
    session.dispose();
    const at = (row: number, column: number) => a[300 * row + column] as number;
    const square = (i: number, j: number) => 0.5 * (at(0, i) * at(0, j) + at(1, i) * at(1, j));
    // 300 columns in rows of 100: each of the 900 is the maximum of a third of a row.
    b.forEach((value, row) => {
      const third = Array.from({ length: 100 }, (_, j) => square(Math.floor(row / 3), 100 * (row % 3) + j));
      expect(Math.abs(value - Math.max(...third))).toBeLessThan(1e-6);
    });
  });
});

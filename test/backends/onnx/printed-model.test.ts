import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, test } from "vitest";
import { createGraphRecorder } from "../../../server/backends/onnx/graph-recorder.ts";
import { type PrintedModel, printModel } from "../../../server/backends/onnx/printed-model.ts";
import { compile } from "../../../server/engine/compile.ts";
import { createRandom } from "../../../server/numerics/random.ts";
import { derivatives64 } from "../../engine/float64-net.ts";
import { dense, makeCase } from "../../engine/make-case.ts";
import { interpret } from "./interpret.ts";

const SIZES = [5, 4, 6, 3];
const N = 7;

const combinations = (["tanh", "gelu", "relu", "sigmoid", "softplus", "linear"] as const).flatMap(
  (activation) =>
    (["cross-entropy", "mse", "half-sum-mse"] as const).map((loss) => [activation, loss] as const),
);

describe("a model printed as graphs", () => {
  // The graphs hold constants in float32, such as 1/n: right to 3e-8 each.
  test.each(combinations)(
    "%s, %s: interpreted in float64, they give the loss, gradient and Hv of the reference to 5e-7",
    (activation, loss) => {
      const { net, theta } = makeCase(SIZES, activation, loss, N);
      const printed = printModel(compile(dense(SIZES, activation), loss), N);
      const v = createRandom(3).fillNormal(new Float32Array(theta.length));
      const exact = derivatives64(net, theta, v);
      const feeds = {
        x: net.inputs.flat(),
        y: net.targets.flat(),
        ...split(printed.weights, printed, theta),
        ...split(printed.direction, printed, v),
      };
      const forward = interpret(printed.graphs.forward, feeds);
      const gradient = interpret(printed.graphs.gradient, feeds);
      const at = interpret(printed.graphs.linearise, feeds);
      const point = Object.fromEntries(printed.point.map(({ name }) => [name, at.get(name)?.values ?? []]));
      const hv = interpret(printed.graphs.product, { ...feeds, ...point });
      for (const found of [forward, gradient, at])
        expectClose([mean(found.get(printed.exampleLosses)?.values ?? [])], [exact.loss]);
      for (const found of [gradient, at])
        expectClose(
          printed.gradient.flatMap((name) => found.get(name)?.values ?? []),
          exact.gradient,
        );
      expectClose(
        printed.hv.flatMap((name) => hv.get(name)?.values ?? []),
        exact.hv,
      );
    },
  );

  test("each product takes as an input what does not depend on v, transposes too", () => {
    const { graphs, point } = printModel(compile(dense(SIZES, "tanh"), "cross-entropy"), N);
    const inputs = graphs.product.inputs.map(({ name }) => name);
    for (const { name } of point) expect(inputs).toContain(name);
    expect(inputs).not.toContain("y");
    // xᵀ and those of the two activations, which the w̄ of three layers are products with.
    const transposes = Object.values(graphs).map(
      ({ nodes }) => nodes.filter(({ op }) => op === "Transpose").length,
    );
    expect(Object.keys(graphs)).toEqual(["forward", "gradient", "linearise", "product", "gaussNewton"]);
    expect(transposes).toEqual([0, 0, 3, 0, 0]);
    const flagged = graphs.product.nodes.filter(({ attributes }) => attributes["transA"] === 1);
    expect(flagged).toHaveLength(2);
    expect(graphs.product.nodes.filter(({ op }) => op === "Tanh" || op === "Exp")).toEqual([]);
    // Two each for the derivatives of y, x̄ and w̄ of three layers, less four of the first: its input does not move.
    expect(graphs.product.nodes.filter(({ op }) => op === "Gemm")).toHaveLength(14);
  });
});

describe("a recorder of graphs", () => {
  test("notes equal operations once, and leaves out what no output needs", () => {
    const { ops, input, graph } = createGraphRecorder();
    const a = input("a", [2, 3]);
    const b = ops.exp(a);
    expect(ops.exp(a)).toBe(b);
    expect(ops.scale(b, 2)).toBe(ops.scale(b, 2));
    expect(ops.scale(b, 2)).not.toBe(ops.scale(b, 3));
    const { nodes, constants, inputs } = graph([ops.scale(b, 3)]);
    expect(nodes.map(({ op }) => op)).toEqual(["Exp", "Mul"]);
    expect(constants.map(({ values }) => [...values])).toEqual([[3]]);
    expect(inputs).toEqual([{ name: "a", shape: [2, 3] }]);
  });

  test("(AᵀB)ᵀ is one product, and a transpose of a transpose is nothing", () => {
    const { ops, input, graph } = createGraphRecorder();
    const [a, b] = [input("a", [4, 2]), input("b", [4, 3])];
    expect(ops.transpose(ops.transpose(a))).toBe(a);
    const found = ops.transpose(ops.matMul(ops.transpose(a), b));
    expect(ops.shape(found)).toEqual([3, 2]);
    expect(graph([found]).nodes).toEqual([
      { op: "Gemm", inputs: ["b", "a"], output: found, attributes: { transA: 1, transB: 0 } },
    ]);
  });

  test("a product and a sum are one node, unless somebody else wants the product", () => {
    const { ops, input, graph } = createGraphRecorder();
    const [a, b, bias] = [input("a", [4, 2]), input("b", [2, 3]), input("bias", [3])];
    const [alone, shared] = [ops.matMul(a, b), ops.matMul(ops.exp(a), b)];
    const sum = ops.add(bias, alone);
    const ofBoth = ops.add(shared, sum);
    const opsOf = (...outputs: string[]) => graph(outputs).nodes.map(({ op, inputs }) => [op, ...inputs]);
    expect(opsOf(sum)).toEqual([["Gemm", "a", "b", "bias"]]);
    expect(opsOf(sum, alone)).toEqual([
      ["Gemm", "a", "b"],
      ["Add", "bias", alone],
    ]);
    expect(opsOf(ofBoth).at(-1)).toEqual(["Gemm", ops.exp(a), "b", sum]);
    const other = ops.relu(shared);
    expect(opsOf(ofBoth).at(-1)).toEqual(["Add", shared, sum]);
    expect(opsOf(ofBoth, other).at(-1)).toEqual(["Relu", shared]);
    // A sum that is larger than the product is no Gemm.
    const row = ops.matMul(input("row", [1, 2]), b);
    expect(opsOf(ops.add(row, sum)).at(-1)).toEqual(["Add", row, sum]);
  });

  test("a transpose of what is known before the other factor is made before", () => {
    const { ops, input, graph, knownBefore } = createGraphRecorder();
    const [a, b, v] = [input("a", [4, 2]), input("b", [4, 3]), input("v", [4, 3], "later")];
    const [early, late] = [ops.matMul(ops.transpose(a), b), ops.matMul(ops.transpose(a), v)];
    expect(graph([early]).nodes.map(({ attributes }) => attributes)).toEqual([{ transA: 1, transB: 0 }]);
    const point = knownBefore([late]);
    expect(point).toEqual([ops.transpose(a)]);
    expect(graph([late], point).nodes).toEqual([
      { op: "Gemm", inputs: [...point, "v"], output: late, attributes: { transA: 0, transB: 0 } },
    ]);
    const tall = ops.transposedProducts(a)(v);
    expect(knownBefore([tall])).toEqual([]);
  });

  test("refuses an output that is an input, or is there twice", () => {
    const { ops, input, graph } = createGraphRecorder();
    const a = input("a", [2]);
    const b = ops.exp(a);
    expect(() => graph([a])).toThrow("graph: a cannot be an output");
    expect(() => graph([b, b])).toThrow(`graph: ${b} cannot be an output, or not twice`);
  });
});

/** θ or v, cut into the tensors of these names. */
function split(names: readonly string[], { graphs }: PrintedModel, flat: Float32Array) {
  const shapes = new Map(
    [...graphs.gradient.inputs, ...graphs.product.inputs].map(({ name, shape }) => [name, shape]),
  );
  let offset = 0;
  return Object.fromEntries(
    names.map((name) => {
      const size = (shapes.get(name) ?? []).reduce((product, length) => product * length, 1);
      offset += size;
      return [name, [...flat.subarray(offset - size, offset)]] as const;
    }),
  );
}

function expectClose(found: readonly number[], exact: ArrayLike<number>): void {
  expect(found).toHaveLength(exact.length);
  const size = Math.max(...Array.from(exact, Math.abs));
  found.forEach((value, i) => {
    expect(Math.abs(value - (exact[i] as number))).toBeLessThan(5e-7 * size);
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

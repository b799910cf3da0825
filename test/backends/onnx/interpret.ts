/** A graph computed in float64, one element at a time, by what ONNX's specification says of each operator. */
import type { Graph, GraphNode } from "../../../server/backends/onnx/graph.ts";
import { erf } from "../../engine/float64-net.ts";

export interface Tensor64 {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** @returns the outputs, by name. */
export function interpret(
  graph: Graph,
  feeds: Readonly<Record<string, readonly number[]>>,
): Map<string, Tensor64> {
  const known = new Map<string, Tensor64>();
  for (const { name, shape, values } of graph.constants)
    known.set(name, { shape, values: Array.from(values as ArrayLike<number | bigint>, Number) });
  for (const { name, shape } of graph.inputs) {
    const values = feeds[name];
    if (values?.length !== count(shape)) throw new Error(`${name}: expected ${count(shape)} numbers`);
    known.set(name, { shape, values });
  }
  for (const node of graph.nodes) {
    const operands = node.inputs.map((name) => {
      const operand = known.get(name);
      if (operand === undefined) throw new Error(`${node.output} is computed before its operand ${name}`);
      return operand;
    });
    known.set(node.output, apply(node, operands));
  }
  return new Map(
    graph.outputs.map(({ name, shape }) => {
      const output = known.get(name);
      if (`${output?.shape}` !== `${shape}`) throw new Error(`${name}: [${output?.shape}], not [${shape}]`);
      return [name, output as Tensor64];
    }),
  );
}

const UNARY: Readonly<Record<string, (a: number) => number>> = {
  Abs: Math.abs,
  Neg: (a) => -a,
  Exp: Math.exp,
  Log: Math.log,
  Tanh: Math.tanh,
  Relu: (a) => Math.max(a, 0),
  Erf: erf,
  Cast: (a) => a,
};

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Greater: (a, b) => (a > b ? 1 : 0),
};

function apply({ op, attributes }: GraphNode, operands: readonly Tensor64[]): Tensor64 {
  const [a = { shape: [], values: [] }, b = { shape: [], values: [] }, c] = operands;
  const unary = UNARY[op];
  if (unary !== undefined) return { shape: a.shape, values: a.values.map(unary) };
  const binary = BINARY[op];
  if (binary !== undefined) return elementwise(binary, a, b);
  switch (op) {
    case "Gemm": {
      const ab = product(
        attributes["transA"] === 1 ? transposed(a) : a,
        attributes["transB"] === 1 ? transposed(b) : b,
      );
      return c === undefined ? ab : elementwise((x, y) => x + y, ab, c);
    }
    case "Transpose":
      return transposed(a);
    case "Reshape":
      return { shape: b.values, values: a.values };
    case "ReduceSum":
      return reduced(a, b.values[0] as number, (x, y) => x + y);
    case "ReduceMax":
      return reduced(a, (attributes["axes"] as number[])[0] as number, Math.max);
    default:
      throw new Error(`${op} is not expected`);
  }
}

/** Multidirectional broadcasting. */
function elementwise(f: (a: number, b: number) => number, a: Tensor64, b: Tensor64): Tensor64 {
  const rank = Math.max(a.shape.length, b.shape.length);
  const padded = ({ shape }: Tensor64) => [...new Array<number>(rank - shape.length).fill(1), ...shape];
  const [left, right] = [padded(a), padded(b)];
  const shape = left.map((size, axis) => {
    const other = right[axis] as number;
    if (size !== other && size !== 1 && other !== 1) throw new Error(`[${left}] and [${right}] do not fit`);
    return Math.max(size, other);
  });
  const values = Array.from({ length: count(shape) }, (_, flat) => {
    const at = indexIn(shape, flat);
    const read = (of: Tensor64, sizes: readonly number[]) =>
      of.values[sizes.reduce((sum, size, axis) => sum * size + (size === 1 ? 0 : (at[axis] as number)), 0)];
    return f(read(a, left) as number, read(b, right) as number);
  });
  return { shape, values };
}

function product(a: Tensor64, b: Tensor64): Tensor64 {
  const [m = 0, k = 0] = a.shape;
  const [rows, n = 0] = b.shape;
  if (rows !== k) throw new Error(`[${a.shape}] times [${b.shape}]`);
  const values = Array.from({ length: m * n }, (_, flat) => {
    let sum = 0;
    for (let i = 0; i < k; i++)
      sum += (a.values[Math.floor(flat / n) * k + i] as number) * (b.values[i * n + (flat % n)] as number);
    return sum;
  });
  return { shape: [m, n], values };
}

function transposed({ shape, values }: Tensor64): Tensor64 {
  const [m = 0, n = 0] = shape;
  return {
    shape: [n, m],
    values: values.map((_, flat) => values[(flat % m) * n + Math.floor(flat / m)] as number),
  };
}

function reduced({ shape, values }: Tensor64, axis: number, join: (a: number, b: number) => number) {
  const into = shape.map((size, each) => (each === axis ? 1 : size));
  const found: number[] = [];
  values.forEach((value, flat) => {
    const at = indexIn(shape, flat);
    at[axis] = 0;
    const to = into.reduce((sum, size, each) => sum * size + (at[each] as number), 0);
    found[to] = found[to] === undefined ? value : join(found[to], value);
  });
  return { shape: into, values: found };
}

function indexIn(shape: readonly number[], flat: number): number[] {
  const at: number[] = [];
  let rest = flat;
  for (const size of [...shape].reverse()) {
    at.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return at;
}

const count = (shape: readonly number[]) => shape.reduce((sizes, size) => sizes * size, 1);

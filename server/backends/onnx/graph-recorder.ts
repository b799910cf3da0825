/** {@link Ops} that compute nothing: each call is noted as a node, and `T` is the name of its output. */
import type { Ops } from "../../engine/ops.ts";
import type { Graph, GraphConstant, GraphNode, GraphTensor } from "./graph.ts";
import { rearrangements } from "./graph-rearrange.ts";
import { FLOAT } from "./model-bytes.ts";
import { sumsInProducts } from "./sums-in-products.ts";

type Shape = readonly number[];
type Attributes = GraphNode["attributes"];

export interface GraphRecorder {
  readonly ops: Ops<string>;
  /** A tensor that the caller will feed: at once, or `later`, when all that does not depend on it has been computed. */
  input(name: string, shape: Shape, when?: "later"): string;
  /** The nodes that these outputs need; those in `given` are not computed but fed. */
  graph(outputs: readonly string[], given?: readonly string[]): Graph;
  /** What `outputs` need that depends on nothing fed later: the last nodes on each way that can be computed before. */
  knownBefore(outputs: readonly string[]): string[];
}

/**
 * The same operation on the same operands is one node, so that graphs taken from one recording agree to the bit in what they share.
 * Transposes go into the products that use them, since ONNX's Gemm takes them as flags. For that of the first factor it takes a third
 * longer, however: one that is known before the second factor is made once for all, but for matrices of very many rows.
 */
export function createGraphRecorder(): GraphRecorder {
  const nodes = new Map<string, GraphNode>();
  const constants = new Map<string, GraphConstant>();
  const shapes = new Map<string, Shape>();
  const inputs = new Set<string>();
  const known = new Map<string, string>();
  /** What is fed later, and what depends on it. */
  const late = new Set<string>();

  const shape = (name: string): Shape => {
    const found = shapes.get(name);
    if (found === undefined) throw new Error(`graph: no tensor is called ${name}`);
    return found;
  };
  const node = (op: string, operands: readonly string[], of: Shape, attributes: Attributes = {}): string => {
    const key = `${op}(${operands}) ${JSON.stringify(attributes)} ${of}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const output = `${op.toLowerCase()}-${nodes.size}`;
    nodes.set(output, { op, inputs: operands, output, attributes });
    if (operands.some((operand) => late.has(operand))) late.add(output);
    shapes.set(output, of);
    known.set(key, output);
    return output;
  };
  const constant = (values: GraphConstant["values"], of: Shape): string => {
    const key = `${values.constructor.name} [${of}] ${values}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const name = `constant-${constants.size}`;
    constants.set(name, { name, shape: of, values: values.slice() });
    shapes.set(name, of);
    known.set(key, name);
    return name;
  };
  const number = (value: number) => constant(Float32Array.of(value), []);
  const integers = (values: Shape) => constant(BigInt64Array.from(values, BigInt), [values.length]);
  const unary = (op: string) => (a: string) => node(op, [a], shape(a));
  const binary = (op: string) => (a: string, b: string) => node(op, [a, b], broadcast(shape(a), shape(b)));
  const [add, sub, mul, div] = [binary("Add"), binary("Sub"), binary("Mul"), binary("Div")];

  const transpose = (a: string): string => {
    const from = nodes.get(a);
    if (from?.op === "Transpose") return from.inputs[0] as string;
    // (XY)ᵀ = YᵀXᵀ: the product's own flags again.
    if (from?.op === "Gemm") {
      const [x, y] = from.inputs as [string, string];
      return product(flagged(from, "transB") ? y : transpose(y), flagged(from, "transA") ? x : transpose(x));
    }
    return node("Transpose", [a], [...shape(a)].reverse());
  };
  const product = (a: string, b: string, asFlags = late.has(a) || !late.has(b)): string => {
    const [left, right] = [nodes.get(a), nodes.get(b)];
    const transA = left?.op === "Transpose" && asFlags;
    const transB = right?.op === "Transpose";
    return node(
      "Gemm",
      [(transA ? left.inputs[0] : a) as string, (transB ? right.inputs[0] : b) as string],
      [shape(a)[0] ?? 0, shape(b)[1] ?? 0],
      { transA: transA ? 1 : 0, transB: transB ? 1 : 0 },
    );
  };
  const relu = unary("Relu");
  const exp = unary("Exp");
  const neg = unary("Neg");
  const abs = unary("Abs");
  const reshape = (a: string, into: Shape) => node("Reshape", [a, integers(into)], into);

  const ops: Ops<string> = {
    constant,
    shape,
    reshape,
    matMul: product,
    transposedProducts: (a) => (b) => product(transpose(a), b, true),
    transpose,
    add,
    sub,
    mul,
    div,
    scale: (a, factor) => mul(a, number(factor)),
    shift: (a, by) => add(a, number(by)),
    clip: (a, low, high) => node("Clip", [a, number(low), number(high)], shape(a)),
    sqrt: unary("Sqrt"),
    exp,
    log: unary("Log"),
    tanh: unary("Tanh"),
    tanhSlope(a) {
      const e = exp(mul(abs(a), number(-2)));
      const below = add(e, number(1));
      return div(mul(e, number(4)), mul(below, below));
    },
    // Onnxruntime's own is right to 10⁻⁷ of 1, not of itself: far below 0 nothing of it is left. Here e^min(a,0) / (1 + e^−|a|).
    sigmoid: (a) => div(exp(neg(relu(neg(a)))), add(number(1), exp(neg(abs(a))))),
    softplus: (a) => add(relu(a), unary("Log")(add(number(1), exp(neg(abs(a)))))),
    relu,
    positive: (a) => node("Cast", [node("Greater", [a, number(0)], shape(a))], shape(a), { to: FLOAT }),
    gelu(a) {
      const below = mul(number(0.5), add(number(1), unary("Erf")(mul(a, number(Math.SQRT1_2)))));
      const square = mul(a, a);
      const density = mul(number(1 / Math.sqrt(2 * Math.PI)), exp(mul(square, number(-0.5))));
      return {
        value: mul(a, below),
        first: add(below, mul(a, density)),
        second: mul(density, sub(number(2), square)),
      };
    },
    sumOverRows: (a) => node("ReduceSum", [a, integers([0])], [1, shape(a)[1] ?? 0]),
    sumOverColumns: (a) => node("ReduceSum", [a, integers([1])], [shape(a)[0] ?? 0, 1]),
    maxOverColumns: (a) => node("ReduceMax", [a], [shape(a)[0] ?? 0, 1], { axes: [1] }),
    ...rearrangements({ node, constant, shape, reshape }),
    // A number that names no row would go unnoticed: ONNX counts negative ones from the end.
    takeRows: () => notPrinted("takeRows"),
    addIntoRows: () => notPrinted("addIntoRows"),
    onTape: () => notPrinted("double backprop"),
  };

  const tensor = (name: string): GraphTensor => ({ name, shape: shape(name) });
  /** Of all nodes, so that every graph decides alike: equal nodes shall give equal bits. */
  const users = () => {
    const counts = new Map<string, number>();
    for (const { inputs: operands } of nodes.values())
      for (const operand of operands) counts.set(operand, (counts.get(operand) ?? 0) + 1);
    return counts;
  };

  return {
    ops,
    input(name, of, when) {
      inputs.add(name);
      if (when === "later") late.add(name);
      shapes.set(name, of);
      return name;
    },
    graph(outputs, given = []) {
      const repeated = outputs.find((name, i) => !nodes.has(name) || outputs.indexOf(name) < i);
      if (repeated !== undefined) throw new Error(`graph: ${repeated} cannot be an output, or not twice`);
      const needed = new Set<string>();
      const visit = (name: string) => {
        if (needed.has(name)) return;
        needed.add(name);
        if (!given.includes(name)) nodes.get(name)?.inputs.forEach(visit);
      };
      outputs.forEach(visit);
      const computed = [...nodes.values()].filter(
        ({ output }) => needed.has(output) && !given.includes(output),
      );
      return {
        inputs: [...inputs, ...given].filter((name) => needed.has(name)).map(tensor),
        outputs: outputs.map(tensor),
        constants: [...constants.values()].filter(({ name }) => needed.has(name)),
        nodes: sumsInProducts(computed, {
          users: users(),
          mayJoin: (product, sum) => late.has(product) === late.has(sum) && !outputs.includes(product),
          broadcasts: (c, product) => `${broadcast(shape(c), shape(product))}` === `${shape(product)}`,
        }),
      };
    },
    knownBefore(outputs) {
      const found = new Set<string>();
      const visited = new Set<string>();
      const visit = (name: string) => {
        if (visited.has(name)) return;
        visited.add(name);
        const { op, inputs: operands, attributes } = nodes.get(name) ?? {};
        if (op === undefined) return;
        const isFloat = !NOT_FLOAT.has(op) && !(op === "Cast" && attributes?.["to"] !== FLOAT);
        if (late.has(name) || !isFloat) operands?.forEach(visit);
        else found.add(name);
      };
      outputs.forEach(visit);
      return [...found];
    },
  };
}

/** Operators whose output is no float32 tensor, and so can be neither fetched nor fed here. */
const NOT_FLOAT = new Set(["ArgMax", "Greater"]);

function notPrinted(operation: string): never {
  throw new Error(`${operation} is not printed as a graph`);
}

const flagged = ({ attributes }: GraphNode, name: "transA" | "transB") => attributes[name] === 1;

/** Of equal rank, or a row's or a scalar's under a matrix. */
function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const sizeAt = (of: Shape, axis: number) => of[axis - (rank - of.length)] ?? 1;
  return Array.from({ length: rank }, (_, axis) => Math.max(sizeAt(a, axis), sizeAt(b, axis)));
}

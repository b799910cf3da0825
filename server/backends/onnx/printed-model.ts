/** A model's layer rules, printed as graphs for a fixed number of examples. */
import type { Parameter } from "../../../shared/header.ts";
import type { CompiledModel } from "../../engine/compile.ts";
import { differentiate, forwardPass, weightsOf } from "../../engine/passes.ts";
import { sizeOf } from "../../engine/rules/linear.ts";
import type { Graph, GraphTensor } from "./graph.ts";
import { createGraphRecorder } from "./graph-recorder.ts";

/** Names of tensors; where there is one for each parameter, in their order. */
export interface PrintedModel {
  readonly x: GraphTensor;
  readonly y: GraphTensor;
  readonly weights: readonly string[];
  /** v of Hv. */
  readonly direction: readonly string[];
  /** The net's outputs [n, outputs] and the examples' losses [n, 1]: both of every graph but `product`. */
  readonly z: string;
  readonly exampleLosses: string;
  readonly gradient: readonly string[];
  readonly hv: readonly string[];
  readonly gv: readonly string[];
  /** What all products at one θ share, beside x and the weights. */
  readonly point: readonly GraphTensor[];
  /** Numbers in the largest tensor that any graph computes. */
  readonly largest: number;
  readonly graphs: {
    /** x, y, weights ↦ z, exampleLosses. */
    readonly forward: Graph;
    /** x, y, weights ↦ exampleLosses, gradient. */
    readonly gradient: Graph;
    /** x, y, weights ↦ exampleLosses, gradient, point. */
    readonly linearise: Graph;
    /** x, weights, point, direction ↦ hv. */
    readonly product: Graph;
    /** The same ↦ gv. */
    readonly gaussNewton: Graph;
  };
}

/** @param n  number of examples. */
export function printModel(compiled: CompiledModel, n: number): PrintedModel {
  const { ops, input, graph, knownBefore } = createGraphRecorder();
  const x = { name: "x", shape: [n, ...compiled.inputShape] };
  const y = { name: "y", shape: [n, compiled.outputs] };
  input(x.name, x.shape);
  input(y.name, y.shape);
  const vector = (prefix: string, when?: "later") =>
    weightsOf(compiled, ({ name, shape }: Parameter) => input(`${prefix} ${name}`, shape, when));
  const weights = vector("w");
  const z = forwardPass(ops, compiled, x.name, weights);
  const losses = compiled.loss.exampleLosses(ops, z, y.name);
  const at = differentiate(ops, compiled, x.name, y.name, weights);
  const { exampleLosses, gradient } = at;
  if (losses !== exampleLosses) throw new Error("print: the losses of the two passes are not the same node");
  const direction = vector("v", "later");
  const hv = at.hessianVectorProduct(direction);
  const gv = at.gaussNewtonProduct(direction);
  const point = knownBefore([...hv, ...gv]);
  const graphs = {
    forward: graph([z, exampleLosses]),
    gradient: graph([exampleLosses, ...gradient]),
    linearise: graph([...new Set([exampleLosses, ...gradient, ...point])]),
    product: graph(hv, point),
    gaussNewton: graph(gv, point),
  };
  const computed = Object.values(graphs).flatMap(({ nodes }) => nodes);
  return {
    x,
    y,
    weights: weights.flat(),
    direction: direction.flat(),
    z,
    exampleLosses,
    gradient,
    hv,
    gv,
    point: point.map((name) => ({ name, shape: ops.shape(name) })),
    largest: Math.max(...computed.map(({ output }) => sizeOf(ops.shape(output)))),
    graphs,
  };
}

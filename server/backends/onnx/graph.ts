/** A static graph of tensor operations, as ONNX knows them: what the layer rules are printed as. */

export interface GraphNode {
  /** ONNX's name of the operator, default domain. */
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Integers: flags, axes, an element type; or a word. */
  readonly attributes: Readonly<Record<string, number | string | readonly number[]>>;
}

export interface GraphTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface GraphConstant extends GraphTensor {
  /** float32, or int64 where an operator asks for a shape or axes. */
  readonly values: Float32Array | BigInt64Array;
}

/** Every tensor is float32, except constants that say otherwise. */
export interface Graph {
  readonly inputs: readonly GraphTensor[];
  readonly outputs: readonly GraphTensor[];
  readonly constants: readonly GraphConstant[];
  /** Each after those whose outputs it takes. */
  readonly nodes: readonly GraphNode[];
}

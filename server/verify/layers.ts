/** What a network is made of here: maps that are linear in their input, and a function of each number that comes out. */
import type { Inputs } from "./inputs.ts";
import type { Windows } from "./windows.ts";

interface Common {
  /** Numbers of one example. */
  readonly inputs: number;
  readonly outputs: number;
  /** Of a kernel's column: so many products each output is the sum of. 0 where there is no kernel. */
  readonly terms: number;
  /** A key of `activations`. */
  readonly activation: string;
}

/** Dense or convolution: rows times a kernel. */
export interface KernelLayer extends Common {
  readonly kind: "kernel";
  /** Columns of the kernel: the outputs of a dense layer, the channels that come out of a convolution. */
  readonly filters: number;
  /** Where the kernel [terms × filters] and the bias [filters] begin in θ. */
  readonly kernelAt: number;
  readonly biasAt: number | null;
  /** Null where the one row is the whole input. */
  readonly windows: Windows | null;
}

/** Of each channel of each window the mean of what lies inside, or the largest. */
export interface PoolingLayer extends Common {
  readonly kind: "mean" | "max";
  readonly windows: Windows;
}

export type Layer = KernelLayer | PoolingLayer;

/** A layer's map h ↦ z before its activation, at one θ and one input. */
export interface Affine extends Linearised {
  /** [n × outputs]. */
  readonly z: Float64Array;
}

/** What there is to the map but z. */
interface Linearised {
  /** What float32 is off by in z, in units of u, [n × outputs]. */
  readonly off: Float64Array;
  /** Largest entries of which float32 may take another. */
  readonly ties: number;
  /** ‖(row, 1)‖ of each row that the kernel is multiplied with, [n · rows]; 0 where there is no kernel. */
  readonly norms: Float64Array;
  /** ‖∂z/∂(h, 1)‖_F of one example. */
  readonly frobenius: number;
  /** ż, new, where θ moves along v, and the input along hDot unless that is null. */
  tangent(v: Float64Array, hDot: Float64Array | null): Float64Array;
  /** Adds what z̄ is to the parameters. */
  addGradient(zBar: Float64Array, out: Float64Array): void;
  /** Adds what z̄ is to the input. */
  addBack(zBar: Float64Array, hBar: Float64Array): void;
  /** Adds what changes of these two along v and hDot, z̄ being held; hBarDot is null where nobody asks for the input. */
  addCurvature(
    v: Float64Array,
    hDot: Float64Array | null,
    zBar: Float64Array,
    out: Float64Array,
    hBarDot: Float64Array | null,
  ): void;
}

/** What a layer gets from below: examples, or what the one before it left behind. */
export type Below = Inputs | Passed;

/** What one layer left behind on the way through. */
export interface Passed extends Linearised {
  readonly layer: Layer;
  /** φ(z), [n × outputs]. */
  readonly output: Float64Array;
  /** φ′(z) and φ″(z), [n × outputs]. */
  readonly first: Float64Array;
  readonly second: Float64Array;
  /** Ties, and activations so near a kink that float32 may stand on the other side. */
  readonly kinks: number;
}

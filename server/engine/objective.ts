/** L(θ) on fixed data, with its derivatives: what every curvature number of a run is computed from. */

/**
 * The objective frozen at one θ: the forward pass, its derivatives and everything that Hv shares between
 * vectors are computed once. Holds tensors until {@link Linearised.dispose}.
 */
export interface Linearised {
  /** [D] copied at creation. */
  readonly theta: Float32Array;
  readonly loss: number;
  /** ∇L(θ), [D]. @unit loss · θ⁻¹ */
  readonly gradient: Float32Array;
  /**
   * H(θ)v by the R-operator (Pearlmutter 1994): exact up to rounding, symmetric; kinks of relu count as curvature 0.
   * @param v [D]. @param out [D], overwritten; default a new one. @returns `out`. @unit loss · θ⁻². @cost about one gradient.
   */
  hessianVectorProduct(v: Float32Array, out?: Float32Array<ArrayBuffer>): Float32Array;
  /**
   * G(θ)v with G = JᵀH_ℓJ, the generalised Gauss–Newton matrix (Schraudolph 2002): J the Jacobian of the outputs, H_ℓ the Hessian of the
   * loss in them. Positive semidefinite for every loss here. H − G is what the network's own curvature adds.
   * @param v [D]. @param out as above. @unit loss · θ⁻². @cost about one gradient.
   */
  gaussNewtonProduct(v: Float32Array, out?: Float32Array<ArrayBuffer>): Float32Array;
  dispose(): void;
}

/** Deterministic: the same θ gives the same bits. All methods are synchronous and leave no tensor behind. */
export interface Objective {
  /** D. */
  readonly parameterCount: number;
  /** n: examples in the data. */
  readonly size: number;
  readonly formula: string;
  loss(theta: Float32Array): number;
  /** Loss of each example, [n]; {@link loss} is their mean, summed in float64. */
  exampleLosses(theta: Float32Array): Float32Array;
  /** Share of examples whose largest output is the label's, or whose only logit is on its side of 0; NaN for regression. */
  accuracy(theta: Float32Array): number;
  /** {@link loss} and {@link accuracy}, the same bits, from one forward pass. */
  evaluate(theta: Float32Array): { readonly loss: number; readonly accuracy: number };
  /**
   * Everything one forward and backward pass gives. `loss` has the same bits as {@link loss}.
   * @param out [D], overwritten with the gradient; default a new one.
   */
  gradient(
    theta: Float32Array,
    out?: Float32Array<ArrayBuffer>,
  ): {
    readonly loss: number;
    /** [D]. */
    readonly gradient: Float32Array;
    /** [n]. */
    readonly exampleLosses: Float32Array;
  };
  linearise(theta: Float32Array): Linearised;
  /** Frees the data's tensors. */
  dispose(): void;
}

/** Update rules on one flat θ: plain float arithmetic, one pass, every constant on record. */

/** What one update did, accumulated in float64 in the same pass. */
export interface UpdateNorms {
  /** ‖∇L‖₂, weight decay not in it. */
  readonly gradientNorm: number;
  /** ‖Δθ‖₂ of the stored float32 values. */
  readonly updateNorm: number;
  /** Every component of the new θ is finite. */
  readonly thetaIsFinite: boolean;
}

export interface Optimizer {
  /** The update as a formula; g is ∇L + λθ (coupled weight decay) for every rule. */
  readonly rule: string;
  /** Everything the rule depends on but η. */
  readonly constants: Readonly<Record<string, number | string>>;
  /** θ ← the next θ, in place. @param theta [D]. @param gradient ∇L(θ), [D]. */
  update(theta: Float32Array, gradient: Float32Array, eta: number): UpdateNorms;
  /** P of the last update, [D], new: θ ← θ − ηP⁻¹m with m the moving average of g. Null for rules without, and before the first update. */
  preconditioner(): Float32Array | null;
  /** Slots (velocity, moments), [D] each, by name: the live arrays. */
  readonly slots: Readonly<Record<string, Float32Array>>;
  /** Updates made so far; Adam's bias correction depends on it. */
  updateCount: number;
}

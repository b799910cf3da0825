/** The values of Thalweg's own streams, as both the server that derives them and the dashboard that draws them know them. */

/** `path/monotonicity`: the loss at the iterates, not on the straight line. Lower bounds when `every` > 1; never compared across `every`. */
export interface PathMonotonicity {
  /** L_t − min_{s≤t} L_s. */
  readonly excess: number;
  /** max_{s<t} (L_t − L_s), at least 0: the most the loss has ever risen above an earlier value. */
  readonly drawUp: number;
  /** The first that was measured. Recordings from before have none, and count rounding in upFraction. */
  readonly firstLoss?: number;
  /** Share of measured intervals in which the loss rose by more than 1e-6 of the first: less may be float32's rounding. */
  readonly upFraction: number;
  readonly every: number;
  /** max(0, drawUp − 2·pairedStdErr), for the training set that the probe is a sample of; null where it is all of it, or drawUp NaN. */
  readonly populationDrawUp: number | null;
  /** Standard error, over probe examples, of the difference between the two losses that set the draw-up. */
  readonly pairedStdErr: number | null;
}

/** `path/top-mode`: v₁ᵀ(θ_t − θ_ref), the zig-zag across the valley. Breaks where a newer v₁ is adopted. */
export interface TopMode {
  readonly projection: number;
  /** The step whose Hessian gave v₁, and the step of θ_ref, where v₁ came into use. */
  readonly modeStep: number;
  readonly referenceStep: number;
}

/** `line/profile`: L((1−α)θ₀ + αθ_t). */
export interface LineProfile {
  readonly alphas: readonly number[];
  readonly losses: readonly number[];
  /** 11 points are a hint; 51, refined around bumps, carry the verdict. */
  readonly carriesVerdict: boolean;
  readonly drawUp: number;
  /** Smallest α with l(α) ≤ (l(0) + l(1))/2. */
  readonly plateau: number;
  /** Earlier steps s, and where θ_s lies beside this line: α of the nearest point on it, and the distance from it in units of ‖θ_t − θ₀‖. */
  readonly pathSteps: readonly number[];
  readonly projection: readonly number[];
  readonly residual: readonly number[];
  readonly noiseFloor: number;
  readonly pairedStdErr: number;
  readonly monotoneOnProbe: boolean;
  /** Of the training set that the probe is a sample of; null where it is all of it: that says nothing of other data. */
  readonly monotoneInPopulation: boolean | null;
  /** The same line from an unrelated initialisation: if it is monotone too, monotony says little about training. */
  readonly control: {
    readonly losses: readonly number[];
    readonly drawUp: number;
    readonly monotoneOnProbe: boolean;
  } | null;
}

/** `distance/to-init`. */
export interface DistanceToInit {
  /** ‖θ_t − θ₀‖₂, and divided by ‖θ₀‖₂. */
  readonly l2: number;
  readonly relative: number;
  /** Σ_s ‖θ_s − θ_{s−1}‖₂, and l2 / pathLength (1 on a straight path; 1 at t = 0). */
  readonly pathLength: number;
  readonly straightness: number;
  /** ‖θ_t − θ₀‖₂ of each parameter, in the header's order. */
  readonly perLayer: readonly number[];
  /** 1 − cos(θ_t, θ₀) of each parameter; NaN where one of them is zero. */
  readonly rotation: readonly number[];
}

export interface Eigenvalue {
  readonly value: number;
  /** ‖Hv − λv‖₂: some eigenvalue lies this near. It does not say which one. */
  readonly residual: number;
  readonly converged: boolean;
}

export type ThresholdRule = "gd" | "heavy-ball" | "nesterov" | "adam" | "full-batch-bound";

/** `hessian/eigenvalues`, algebraic order: top descending, bottom ascending. */
export interface HessianEigenvalues {
  readonly top: readonly Eigenvalue[];
  readonly bottom: readonly Eigenvalue[];
  /** Where gradient descent with this η stops being stable; null where no rule applies. */
  readonly threshold: number | null;
  readonly rule: ThresholdRule | null;
  /** λ₁ / threshold. */
  readonly ratio: number | null;
  readonly eta: number;
  /** Examples in the probe. */
  readonly n: number;
  readonly loss: number;
  readonly thetaNorm: number;
  readonly hvps: number;
  /** At checks: the most by which cold starts raised any of `top`, in parts of λ₁; null where λ₁ is zero. */
  readonly coldGap: number | null;
  /** |λ₁ on a second, disjoint probe − λ₁| / √2, where it is measured. */
  readonly probeStdErr: number | null;
}

/** `hessian/density`: the eigenvalues of the Hessian, all D of them, as a density with integral 1. */
export interface HessianDensity {
  /** Evenly spaced, ascending; and the density there, per unit of λ. Empty where a product was not finite. */
  readonly lambda: readonly number[];
  readonly density: readonly number[];
  /** Standard deviation, in λ, of the Gaussian that stands for each eigenvalue. */
  readonly kernelWidth: number;
  /** Σλ, and its standard error over the probe vectors; NaN for one vector. */
  readonly trace: number;
  readonly traceStdErr: number;
  /**
   * Share of eigenvalues with |λ| < nearZeroBelow = 0.01·max|λ|, and its standard error over probe vectors. Whatever the spectrum, the
   * share that these vectors see lies between the bounds: the quadrature cannot tell more. NaN where all eigenvalues are zero.
   */
  readonly nearZeroFraction: number;
  readonly nearZeroStdErr: number;
  readonly nearZeroBounds: readonly [low: number, high: number];
  readonly nearZeroBelow: number;
  /** Share of eigenvalues below −nearZeroBelow, and its bounds: of what is nearer to zero the quadrature cannot tell the sign. */
  readonly negativeMass: number;
  readonly negativeBounds: readonly [low: number, high: number];
  /** Eigenvalues above the largest ratio between neighbours, of those above nearZeroBelow; null where no two have converged. */
  readonly outliers: {
    readonly count: number;
    /** λ_count. */
    readonly lowest: number;
    /** λ_count/λ_{count+1}, at least; and the next largest such ratio: where both are alike, there is no gap to speak of. */
    readonly gap: number;
    readonly secondGap: number;
    /** Converged eigenvalues that were compared. */
    readonly among: number;
  } | null;
  /** Random vectors that the masses are averages over; n: examples in the probe. */
  readonly probes: number;
  readonly lanczosSteps: number;
  readonly n: number;
  readonly hvps: number;
}

/** `gradient/top-subspace`: ‖VVᵀg‖²/‖g‖² for the first k Hessian eigenvectors V. */
export interface TopSubspace {
  readonly share: number;
  /** The same in k random directions; k/D in the mean. */
  readonly control: number;
  readonly k: number;
  /** How many of the k have converged. */
  readonly converged: number;
}

export interface SubspaceOverlap {
  /** The earlier of the two steps. */
  readonly step: number;
  /** ‖VᵀV′‖_F²/k: 1 for the same subspace, 0 for orthogonal ones. */
  readonly overlap: number;
}

/** `hessian/overlap`: the span of the first k eigenvectors, now against earlier. */
export interface HessianOverlap {
  readonly k: number;
  readonly converged: number;
  /** k/D: the mean over random subspaces. */
  readonly control: number;
  readonly previous: SubspaceOverlap | null;
  /** Snapshots of the first measurements at or after steps 0, 10, 100 and 1000, as far as they are past. */
  readonly references: readonly SubspaceOverlap[];
}

/** `hessian/per-layer`: λ₁ of each layer's diagonal block, in the header's order. */
export interface HessianPerLayer {
  readonly layers: readonly (Eigenvalue & { readonly layer: string })[];
  readonly n: number;
  readonly hvps: number;
}

/** `hessian/preconditioned`: of P⁻¹H, P the diagonal by which Adam divides; descending. */
export interface PreconditionedEigenvalues {
  readonly top: readonly Eigenvalue[];
  /** (2+2β₁)/((1−β₁)η). */
  readonly threshold: number;
  readonly rule: ThresholdRule;
  readonly ratio: number;
  readonly eta: number;
  readonly n: number;
  readonly hvps: number;
  readonly coldGap: number | null;
}

/** `hessian/directional`: curvature of the minibatch's loss along update t, at θ_{t−1}, where it was made. */
export interface DirectionalSharpness {
  /** uᵀH_Bu/‖u‖² with u = θ_t − θ_{t−1}; for plain descent gᵀH_Bg/‖g‖². */
  readonly value: number;
  /** uᵀH_Bu / (−2gᵀu): where it ended on the parabola of that loss, 0.5 at the bottom, 1 as high as before; null if it began uphill. */
  readonly ratio: number | null;
  readonly updateNorm: number;
  /** Examples in the minibatch. */
  readonly n: number;
}

/** `gauss-newton/eigenvalues`: of JᵀH_ℓJ, descending. */
export interface GaussNewtonEigenvalues {
  readonly top: readonly Eigenvalue[];
  readonly n: number;
  readonly products: number;
}

/** `gradient/noise-scale`: tr Σ/‖G‖², in examples: a ratio of two unbiased estimates; negative where that of ‖G‖² is. */
export interface NoiseScale {
  readonly value: number;
  /** 95 %; [low, ∞] where ‖G‖² cannot be told from zero. */
  readonly interval: readonly [low: number, high: number];
  /** ‖G‖² and its standard error, and tr Σ of one example's gradient. */
  readonly signal: number;
  readonly signalStdErr: number;
  readonly noise: number;
  readonly batchSize: number;
  readonly batches: number;
}

/** `sharpness/sam`: L(θ + ρg/‖g‖) − L(θ) on the probe. */
export interface SamSharpness {
  readonly value: number;
  readonly rho: number;
  readonly loss: number;
  readonly gradientNorm: number;
}

/** `hessian/batch-sharpness`: E_B[gᵀH_B g / ‖g‖²] over training minibatches, g the minibatch's own gradient. */
export interface BatchSharpness {
  readonly value: number;
  readonly stdErr: number;
  readonly batches: number;
  readonly threshold: number | null;
  readonly ratio: number | null;
}

/** `run/overhead`: what watching costs. */
export interface Overhead {
  /** 1 − bare step time / step time with instruments, means over a second, and the interval of two standard errors of the latter. */
  readonly total: number;
  readonly interval: readonly [number, number];
  readonly stepsPerSecond: number;
  readonly bareStepMs: number;
  /** Busy thread-seconds per wall-second. */
  readonly perStream: Readonly<Record<string, number>>;
}

/** `run/status`: what happened. Codes are listed in docs/protocol.md. */
export interface RunStatus {
  readonly level: "info" | "warning" | "error";
  readonly code: string;
  readonly message: string;
  readonly stream?: string;
}

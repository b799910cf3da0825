/** Objectives whose losses, gradients and Hessians are known exactly, in float64. */
import type { Linearised, Objective } from "../../server/engine/objective.ts";

/** ℓ(θ) = ½(θ − centre)ᵀ H (θ − centre). */
export interface QuadraticExample {
  /** Symmetric, D rows of D. */
  readonly hessian: readonly (readonly number[])[];
  readonly centre: readonly number[];
}

export interface CountingObjective extends Objective {
  /** Calls so far, by method. */
  readonly calls: Record<"forward" | "linearise" | "apply" | "dispose", number>;
}

/** The mean of quadratics, one an example. */
export function quadraticObjective(examples: readonly QuadraticExample[]): CountingObjective {
  const d = examples[0]?.centre.length ?? 0;
  const lossOf = ({ hessian, centre }: QuadraticExample, theta: Float32Array) => {
    const away = centre.map((c, i) => (theta[i] ?? 0) - c);
    return 0.5 * sum(times(hessian, away).map((value, i) => value * (away[i] ?? 0)));
  };
  return objective({
    parameterCount: d,
    size: examples.length,
    exampleLosses: (theta) => examples.map((example) => lossOf(example, theta)),
    gradient: (theta) => {
      const parts = examples.map(({ hessian, centre }) =>
        times(
          hessian,
          centre.map((c, i) => (theta[i] ?? 0) - c),
        ),
      );
      return Array.from({ length: d }, (_, i) => sum(parts.map((part) => part[i] ?? 0)) / examples.length);
    },
    apply: (_theta, v) => {
      const parts = examples.map(({ hessian }) => times(hessian, Array.from(v)));
      return Array.from({ length: d }, (_, i) => sum(parts.map((part) => part[i] ?? 0)) / examples.length);
    },
  });
}

/** L(θ) = ½ Σ λᵢ(θ) θᵢ² for one example, its Hessian taken to be diag λ(θ) even where λ depends on θ. */
export function diagonalObjective(
  parameterCount: number,
  eigenvalues: (theta: Float32Array) => ArrayLike<number>,
): CountingObjective {
  return objective({
    parameterCount,
    size: 1,
    exampleLosses: (theta) => [
      0.5 * sum(Array.from(eigenvalues(theta), (value, i) => value * (theta[i] ?? 0) ** 2)),
    ],
    gradient: (theta) => Array.from(eigenvalues(theta), (value, i) => value * (theta[i] ?? 0)),
    apply: (theta, v) => Array.from(eigenvalues(theta), (value, i) => value * (v[i] ?? 0)),
  });
}

/** Any losses; without derivatives. */
export function lossesObjective(
  parameterCount: number,
  size: number,
  exampleLosses: (theta: Float32Array) => number[],
): CountingObjective {
  const none = () => {
    throw new Error("lossesObjective: has no derivatives");
  };
  return objective({ parameterCount, size, exampleLosses, gradient: none, apply: none });
}

interface Parts {
  readonly parameterCount: number;
  readonly size: number;
  exampleLosses(theta: Float32Array): number[];
  gradient(theta: Float32Array): number[];
  apply(theta: Float32Array, v: Float32Array): number[];
}

function objective(parts: Parts): CountingObjective {
  const calls = { forward: 0, linearise: 0, apply: 0, dispose: 0 };
  const exampleLosses = (theta: Float32Array) => {
    calls.forward++;
    return Float32Array.from(parts.exampleLosses(theta));
  };
  const loss = (theta: Float32Array) => {
    const losses = exampleLosses(theta);
    return sum(Array.from(losses)) / losses.length;
  };
  return {
    calls,
    parameterCount: parts.parameterCount,
    size: parts.size,
    formula: "test",
    exampleLosses,
    loss,
    accuracy: () => Number.NaN,
    evaluate: (theta) => ({ loss: loss(theta), accuracy: 0.5 }),
    gradient: (theta) => {
      const losses = exampleLosses(theta);
      return {
        loss: sum(Array.from(losses)) / losses.length,
        gradient: Float32Array.from(parts.gradient(theta)),
        exampleLosses: losses,
      };
    },
    linearise(theta): Linearised {
      calls.linearise++;
      const at = theta.slice();
      return {
        theta: at,
        loss: loss(at),
        gradient: Float32Array.from(parts.gradient(at)),
        hessianVectorProduct(v) {
          calls.apply++;
          return Float32Array.from(parts.apply(at, v));
        },
        // A quadratic in θ is its own Gauss–Newton approximation.
        gaussNewtonProduct: (v) => Float32Array.from(parts.apply(at, v)),
        dispose: () => {
          calls.dispose++;
        },
      };
    },
    dispose: () => {
      calls.dispose++;
    },
  };
}

function times(matrix: readonly (readonly number[])[], v: readonly number[]): number[] {
  return matrix.map((row) => sum(row.map((value, i) => value * (v[i] ?? 0))));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Steps without training: θ as given. */
import { from, lastValueFrom, type Observable, type OperatorFunction, toArray } from "rxjs";
import type { Step } from "../../server/training/run.ts";
import type { Sample } from "../../shared/stream.ts";

export function makeStep(step: number, theta: ArrayLike<number>, rest: Partial<Step> = {}): Step {
  const values = Float32Array.from(theta);
  return {
    step,
    lastStep: Number.MAX_SAFE_INTEGER,
    theta: values,
    previousTheta: null,
    update:
      step === 0
        ? null
        : { loss: 100 + step, gradientNorm: 200 + step, updateNorm: 300 + step, learningRate: 0.5 / step },
    learningRate: 0.1,
    probeLosses: null,
    demanded: null,
    retain: () => values.slice(),
    preconditioner: () => null,
    captureState: () => Uint8Array.of(step),
    ...rest,
  };
}

/** θ₀, θ₁, …, the last of which is the run's last step. */
export function stepsAlong(path: readonly ArrayLike<number>[], rest: Partial<Step> = {}): Step[] {
  return path.map((theta, step) => makeStep(step, theta, { lastStep: path.length - 1, ...rest }));
}

export function samplesOf<V>(
  steps: Iterable<Step> | Observable<Step>,
  stream: OperatorFunction<Step, Sample<V>>,
): Promise<Sample<V>[]> {
  return lastValueFrom(from(steps).pipe(stream, toArray()));
}

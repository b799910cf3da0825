/** Adam's second moments in float64: as `train/state` has them, or followed from there over recorded θ. */
import { isLogged } from "../../shared/schedule.ts";
import { decodeTrainingState, type TrainingPosition } from "../training/training-state.ts";
import { UserError } from "../training/user-error.ts";
import type { Evidence } from "./evidence.ts";

/** So many updates are followed: each costs a gradient. */
const MOST_FOLLOWED = 32;
/** States that are kept, of those that pass by. */
const MOST_KEPT = 64;

export interface Diagonal {
  /** Of P, by which the update divides: (1 − β₁ᵗ)(√ŝ + ε), [D]. */
  readonly diagonal: Float64Array;
  /** What each element may be off by, as a part of it. */
  readonly relative: Float64Array;
}

export interface SecondMoments {
  note(step: number, state: TrainingPosition | string): void;
  /** Steps whose θ it takes to know P at this step; one that is nowhere recorded where it cannot be known. */
  needs(step: number): number[];
  /** P of update `step`. Null where the state that is due is not there. */
  diagonal(step: number): Promise<Diagonal | null>;
}

export function secondMoments(evidence: Evidence): SecondMoments {
  const { header, config } = evidence;
  const [beta1, beta2, epsilon] = ["beta1", "beta2", "epsilon"].map((name) =>
    Number(header.optimizer[name]),
  ) as [number, number, number];
  const every = header.channels.find(({ name }) => name === "train/state")?.cadence;
  const interval = every !== undefined && "every" in every ? every.every : Number.POSITIVE_INFINITY;
  const states = new Map<number, Float32Array>();
  /** The newest step at or before this one that should have a state. */
  const originOf = (step: number): number => {
    for (let at = step; at > 0 && step - at <= MOST_FOLLOWED; at--)
      if (isLogged(at, interval, header.steps)) return at;
    return step <= MOST_FOLLOWED ? 0 : -1;
  };
  return {
    note(step, state) {
      const second = typeof state === "string" ? undefined : state.slots["second"];
      if (second !== undefined && states.size < MOST_KEPT) states.set(step, second);
    },
    needs(step) {
      const origin = originOf(step);
      return origin < 0 ? [origin] : [step, ...Array.from({ length: step - origin }, (_, i) => origin + i)];
    },
    async diagonal(step) {
      const origin = originOf(step);
      const from = origin === 0 ? new Float32Array(header.parameterCount) : states.get(origin);
      if (from === undefined) return null;
      const second = Float64Array.from(from);
      const off = new Float64Array(second.length);
      for (let t = origin; t < step; t++) {
        const theta = await evidence.theta(t);
        const { gradient, noise } = evidence.slopeOf(t, theta);
        const each = noise / Math.sqrt(gradient.length);
        for (let i = 0; i < second.length; i++) {
          const force = (gradient[i] as number) + config.weightDecay * (theta[i] as number);
          second[i] = beta2 * (second[i] as number) + (1 - beta2) * force * force;
          off[i] = beta2 * (off[i] as number) + (1 - beta2) * (2 * Math.abs(force) * each + each * each);
        }
      }
      // The optimizer keeps them in float32.
      const rounding = (2 + step - origin) * 2 ** -24;
      const [first, corrected] = [1 - beta1 ** step, 1 - beta2 ** step];
      return {
        diagonal: second.map((value) => first * (Math.sqrt(value / corrected) + epsilon)),
        relative: second.map((value, i) => rounding + Math.min(1, (off[i] as number) / value || 0)),
      };
    },
  };
}

/** @returns why it cannot be read, where it cannot. */
export function decodedState(bytes: Uint8Array): TrainingPosition | string {
  try {
    return decodeTrainingState(bytes);
  } catch (cause) {
    if (cause instanceof UserError) return cause.message;
    throw cause;
  }
}

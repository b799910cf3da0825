/** The optimizers' rules in float64, from what the header says of them: one update, and several in a row. */
import type { Evidence } from "./evidence.ts";
import { norm } from "./products.ts";

/** Before an update, by name as `train/state` has them: velocity, or first and second. Absent ones are zero. */
export type Slots = Readonly<Record<string, ArrayLike<number>>>;

/** A θ, and how far from it the true one may be by rounding: ‖·‖₂; 0 for a recorded one. */
export interface Derived {
  readonly theta: Float32Array;
  readonly off: number;
}

/**
 * θ after update t + 1, from θ_t and what the optimizer remembers. `off` has the noise of the gradient, as far as the rule lets it through,
 * and the rounding of θ to float32.
 */
export function updateFrom(evidence: Evidence, t: number, theta: Float32Array, slots: Slots): Derived {
  const { gradient, noise } = evidence.slopeOf(t, theta);
  const next = apply(evidence, t, theta, gradient, slots);
  const each = noise / Math.sqrt(gradient.length);
  const disturbed = gradient.map((value, i) => value + signOf(i) * each);
  const through = distance(next, apply(evidence, t, theta, disturbed, slots));
  return { theta: next, off: through + roundingOf(next) };
}

/** @source heavy ball: Polyak 1964; Nesterov: Sutskever et al. 2013; Adam: Kingma & Ba 2015, arXiv:1412.6980. */
function apply(
  { config, header, rates }: Evidence,
  t: number,
  theta: Float32Array,
  gradient: Float64Array,
  slots: Slots,
): Float32Array {
  const { optimizer, momentum: beta, weightDecay } = config;
  const [beta1, beta2, epsilon] = ["beta1", "beta2", "epsilon"].map((name) =>
    Number(header.optimizer[name]),
  ) as [number, number, number];
  const eta = rates.of(t + 1);
  const slot = (name: string, i: number) => slots[name]?.[i] ?? 0;
  /** What η is multiplied with. */
  const move = (force: number, i: number): number => {
    switch (optimizer) {
      case "gd":
      case "sgd":
        return force;
      case "momentum":
        return beta * slot("velocity", i) + force;
      case "nesterov":
        return force + beta * (beta * slot("velocity", i) + force);
      case "adam": {
        const first = (beta1 * slot("first", i) + (1 - beta1) * force) / (1 - beta1 ** (t + 1));
        const second = (beta2 * slot("second", i) + (1 - beta2) * force * force) / (1 - beta2 ** (t + 1));
        return first / (Math.sqrt(second) + epsilon);
      }
    }
  };
  return theta.map((at, i) => at - eta * move((gradient[i] as number) + weightDecay * at, i));
}

/**
 * The velocity of heavy ball or Nesterov after update t, from the θ that it moved; null where they are not both recorded.
 * `off` is that of the velocity.
 */
export async function velocityAfter(
  evidence: Evidence,
  t: number,
): Promise<{ readonly velocity: Float64Array; readonly off: number } | null> {
  if (t === 0) return { velocity: new Float64Array(evidence.header.parameterCount), off: 0 };
  // What came before a fork is the parent's, with the parent's settings.
  if (t <= evidence.firstStep) return null;
  if (!evidence.holds(t - 1) || !evidence.holds(t)) return null;
  const { momentum: beta, weightDecay, optimizer } = evidence.config;
  const [from, to] = [await evidence.theta(t - 1), await evidence.theta(t)];
  const eta = evidence.rates.of(t);
  const moves = Float64Array.from(from, (value, i) => (value - (to[i] as number)) / eta);
  const rounding = roundingOf(to) / eta + 2 ** -23 * norm(moves);
  if (optimizer === "momentum") return { velocity: moves, off: rounding };
  // The look-ahead moved by g + λθ + βv.
  const { gradient, noise } = evidence.slopeOf(t - 1, from);
  const velocity = moves.map(
    (move, i) => (move - (gradient[i] as number) - weightDecay * (from[i] as number)) / beta,
  );
  return { velocity, off: (rounding + noise) / beta };
}

/** So many updates beyond a recorded θ are followed. */
const MOST_RETRACED = 8;

/** The recorded step from which θ of this step can be retraced: by plain gradient descent only, other rules have a memory. */
function originOf(evidence: Evidence, step: number): number | null {
  const { optimizer } = evidence.config;
  if (evidence.obstacle !== null || (optimizer !== "gd" && optimizer !== "sgd")) return null;
  for (let at = step - 1; at >= evidence.firstStep && step - at <= MOST_RETRACED; at--)
    if (evidence.holds(at)) return at;
  return null;
}

/** Is θ of this step recorded, or near enough to one that is? */
export function reaches(evidence: Evidence, step: number): boolean {
  return evidence.holds(step) || originOf(evidence, step) !== null;
}

/**
 * θ of a step from the nearest recorded one before it; null where none is near.
 * How updates amplify what rounding has done is seen on a second θ, which starts one unit in the last place away.
 */
export async function retraced(evidence: Evidence, step: number): Promise<Derived | null> {
  const origin = originOf(evidence, step);
  if (origin === null) return null;
  let derived: Derived = { theta: await evidence.theta(origin), off: 0 };
  for (let at = origin; at < step; at++) {
    const { theta, off } = derived;
    const next = updateFrom(evidence, at, theta, {});
    if (off === 0) {
      derived = next;
      continue;
    }
    const beside = theta.map((value, i) => value * (1 + signOf(i) * 2 ** -23));
    const amplified =
      distance(updateFrom(evidence, at, beside, {}).theta, next.theta) / distance(beside, theta);
    derived = { theta: next.theta, off: off * Math.max(1, amplified) + next.off };
  }
  return derived;
}

/** θ as recorded, else retraced. @throws {RangeError} unless {@link reaches}. */
export async function thetaAt(evidence: Evidence, step: number): Promise<Derived> {
  if (evidence.holds(step)) return { theta: await evidence.theta(step), off: 0 };
  const derived = await retraced(evidence, step);
  if (derived === null) throw new RangeError(`step: expected one that can be reached, got ${step}`);
  return derived;
}

/** What rounding θ to float32 may do, as a norm: each element by one unit in its last place. */
export function roundingOf(theta: Float32Array): number {
  return 2 ** -23 * norm(Float64Array.from(theta));
}

export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(squares);
}

/** A fixed irregular pattern of signs. */
function signOf(i: number): number {
  return Math.imul(i + 1, 0x9e3779b1) < 0 ? -1 : 1;
}

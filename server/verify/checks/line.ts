/** The loss on the straight line from θ₀, and on the one from an unrelated start. */
import type * as z from "zod/mini";
import { whole } from "../../../shared/number-words.ts";
import type { CheckDefinition } from "../check.ts";
import type { Evidence } from "../evidence.ts";
import { UNIT_ROUNDOFF } from "../float32.ts";
import type { Evaluation } from "../objective.ts";
import { pairedError } from "../paired.ts";
import { dot, norm } from "../products.ts";
import { profile } from "../shapes.ts";
import { compareLoss, SIGMAS, type Tally } from "../tally.ts";

type Profile = z.infer<typeof profile>;

const HINT_POINTS = 11;
const VERDICT_POINTS = 51;

export const lineProfile: CheckDefinition<Profile> = {
  channel: "line/profile",
  needsData: true,
  shape: profile,
  work: ({ header, multiplyAdds }: Evidence) => 2 * HINT_POINTS * header.probe.size * multiplyAdds,
  apart: [
    "noiseFloor: it is float32's own rounding as the engine met it; only that the verdicts follow from it",
  ],
  start: ({ evidence, tally }) => ({
    observe: ({ step, value }) => checkArithmetic(tally, step, value as Profile, evidence.header),
    needs: (step) => [step, 0],
    async derive({ step, value }) {
      const [from, to] = [await evidence.theta(0), await evidence.theta(step)];
      const on = alongLine(evidence, tally, step, "losses", from, to, value.alphas, value.losses);
      const { from: low, to: high } = largestRise(value.losses);
      const [before, after] = [on[low], on[high]];
      if (before !== undefined && after !== undefined && Number.isFinite(value.pairedStdErr)) {
        const { value: error, noise } = pairedError(after, before);
        tally.compare(step, "pairedStdErr", value.pairedStdErr, error, SIGMAS * noise, "float32 rounding");
      }
      await besideLine(evidence, tally, step, value, from, to);
      if (value.control === null) return;
      const unrelated = evidence.drawn("unrelated") as Float32Array;
      alongLine(evidence, tally, step, "control.losses", unrelated, to, value.alphas, value.control.losses);
    },
  }),
};

/** Each point of a line, rounded to float32 as it was measured. */
function alongLine(
  evidence: Evidence,
  tally: Tally,
  step: number,
  name: string,
  from: Float32Array,
  to: Float32Array,
  alphas: readonly number[],
  losses: readonly number[],
): Evaluation[] {
  const evaluations: Evaluation[] = [];
  for (const [i, alpha] of alphas.entries()) {
    const point = from.map((value, j) => (1 - alpha) * value + alpha * (to[j] as number));
    const evaluation = evidence.objective(point).evaluate();
    evaluations.push(evaluation);
    compareLoss(tally, step, `${name}[${i}]`, losses[i] ?? Number.NaN, evaluation);
  }
  return evaluations;
}

/** Where the path lies, seen from the line: as far as θ is recorded there. The engine keeps differences of θ in float32. */
async function besideLine(
  evidence: Evidence,
  tally: Tally,
  step: number,
  { pathSteps = [], projection, residual }: Profile,
  from: Float32Array,
  to: Float32Array,
): Promise<void> {
  const direction = Float64Array.from(to, (value, i) => value - (from[i] as number));
  const length = norm(direction);
  tally.expect(
    step,
    [projection, residual].every((each) => (each ?? []).length === pathSteps.length),
    "projection and residual are not one for each of pathSteps",
  );
  for (const [i, s] of pathSteps.entries()) {
    if (!evidence.holds(s) || length === 0) continue;
    const theta = await evidence.theta(s);
    const moved = direction.map((_, j) => (theta[j] as number) - (from[j] as number));
    const along = dot(moved, direction) / length ** 2;
    const off = norm(moved.map((value, j) => value - along * (direction[j] as number))) / length;
    const rounding = (SIGMAS * UNIT_ROUNDOFF * norm(moved)) / length;
    const compare = (quantity: string, recorded: number | undefined, derived: number) =>
      tally.compare(step, quantity, recorded ?? Number.NaN, derived, rounding, "float32 rounding");
    compare(`projection of step ${whole(s)}`, projection?.[i], along);
    compare(`residual of step ${whole(s)}`, residual?.[i], off);
  }
}

/** What follows from the recorded losses alone. */
function checkArithmetic(
  tally: Tally,
  step: number,
  value: Profile,
  { steps, probe }: Evidence["header"],
): void {
  const { alphas, losses, control, noiseFloor, drawUp } = value;
  tally.expect(
    step,
    alphas.length === losses.length &&
      alphas.every((alpha, i) => i === 0 || alpha > (alphas[i - 1] as number)),
    "alphas are not ascending, one for each loss",
  );
  const points = value.carriesVerdict ? VERDICT_POINTS : HINT_POINTS;
  const grid = Array.from({ length: points }, (_, i) => i / (points - 1));
  tally.expect(
    step,
    grid.every((alpha) => alphas.includes(alpha)),
    `alphas lack some of the ${points} even points`,
  );
  tally.expect(step, step !== steps || value.carriesVerdict, "the last profile does not carry the verdict");
  const rise = largestRise(losses);
  tally.follows(step, "drawUp", drawUp, Math.max(0, rise.rise));
  tally.follows(step, "plateau", value.plateau, plateau(alphas, losses));
  tally.expect(
    step,
    Number.isNaN(noiseFloor) || noiseFloor >= 2 ** -23 * Math.max(...losses),
    `noiseFloor is ${noiseFloor}, below float32's rounding of the largest loss`,
  );
  tally.expect(
    step,
    value.monotoneOnProbe === drawUp <= noiseFloor,
    "monotoneOnProbe does not follow from drawUp",
  );
  const rest = rise.rise + 3 * value.pairedStdErr <= 1e-3 * (losses[0] ?? Number.NaN);
  // Recordings from before have an answer where the probe is the training set, too.
  const isUnasked = probe.isTrainingSet && value.monotoneInPopulation === null;
  tally.expect(
    step,
    isUnasked || value.monotoneInPopulation === rest,
    "monotoneInPopulation does not follow from the rise",
  );
  if (control === null) return;
  tally.follows(step, "control.drawUp", control.drawUp, Math.max(0, largestRise(control.losses).rise));
  tally.expect(
    step,
    control.monotoneOnProbe === control.drawUp <= noiseFloor,
    "control.monotoneOnProbe does not follow from its drawUp",
  );
}

/** max_{i<j} (l_j − l_i), by trying all pairs. */
function largestRise(losses: readonly number[]): {
  readonly rise: number;
  readonly from: number;
  readonly to: number;
} {
  if (!losses.every(Number.isFinite)) return { rise: Number.NaN, from: 0, to: 1 };
  let best = { rise: Number.NEGATIVE_INFINITY, from: 0, to: 1 };
  for (let to = 1; to < losses.length; to++) {
    for (let from = 0; from < to; from++) {
      const rise = (losses[to] as number) - (losses[from] as number);
      if (rise > best.rise) best = { rise, from, to };
    }
  }
  return best;
}

/** Where the line first crosses half of the way from its first loss to its last, interpolated. */
function plateau(alphas: readonly number[], losses: readonly number[]): number {
  if (!losses.every(Number.isFinite)) return Number.NaN;
  const half = ((losses[0] as number) + (losses.at(-1) as number)) / 2;
  const at = losses.findIndex((loss) => loss <= half);
  if (at <= 0) return 0;
  const [a, b] = [alphas[at - 1] as number, alphas[at] as number];
  const [above, below] = [losses[at - 1] as number, losses[at] as number];
  return a + ((b - a) * (above - half)) / (above - below);
}

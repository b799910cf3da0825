/** The loss at the iterates, and how far it is from falling all the way. */
import type * as z from "zod/mini";
import type { CheckDefinition, Recorded } from "../check.ts";
import type { Evidence } from "../evidence.ts";
import { pairedError } from "../paired.ts";
import { norm } from "../products.ts";
import { float, monotonicity } from "../shapes.ts";
import { compareLoss, SIGMAS, type Tally, UNIT_ROUNDOFF_64 } from "../tally.ts";
import { thetaAt } from "../updates.ts";

const probeWork = ({ header, multiplyAdds }: Evidence) => header.probe.size * multiplyAdds;

export const pathLoss: CheckDefinition<number> = {
  channel: "path/loss",
  needsData: true,
  retraces: true,
  shape: float,
  work: probeWork,
  start: ({ evidence, tally }) => ({
    needs: (step) => [step],
    async derive({ step, value }) {
      const { theta, off } = await thetaAt(evidence, step);
      const objective = evidence.objective(theta);
      const moved = off === 0 ? 0 : off * norm(objective.slope().gradient);
      compareLoss(tally, step, "L(θ_t)", value, objective.evaluate(), moved);
    },
  }),
};

type Monotonicity = z.infer<typeof monotonicity>;

/** The draw-up is followed on every sample of path/loss; its standard error is derived from θ for those drawn. */
export const pathMonotonicity: CheckDefinition<Monotonicity> = {
  channel: "path/monotonicity",
  shape: monotonicity,
  listens: ["path/loss"],
  work: (evidence) => 2 * probeWork(evidence),
  start({ evidence, tally, sampler }) {
    const followed = follow(evidence, tally);
    const drawn = sampler.reservoir<Pair>(8);
    return {
      observe(sample) {
        const pair = followed(sample);
        if (pair === null || pair.stdErr === null || !evidence.holds(pair.from) || !evidence.holds(pair.to))
          return;
        drawn.offer(sample.step, pair, pair.to);
      },
      async finish() {
        if (evidence.obstacle !== null) return tally.leave(`pairedStdErr: ${evidence.obstacle}`);
        for (const { step, item } of drawn.drawn()) {
          const before = (await evidence.at(item.from)).evaluate();
          const after = (await evidence.at(item.to)).evaluate();
          const { value, noise } = pairedError(after, before);
          tally.compare(
            step,
            "pairedStdErr",
            item.stdErr as number,
            value,
            SIGMAS * noise,
            "float32 rounding",
          );
        }
      },
    };
  },
};

interface Pair {
  readonly from: number;
  readonly to: number;
  readonly stdErr: number | null;
}

/** The running minimum, the largest rise above it, and the steps that set it. */
function follow(evidence: Evidence, tally: Tally): (sample: Recorded) => Pair | null {
  let pending: { readonly step: number; readonly loss: number } | null = null;
  let newest = -1;
  let [count, ups, upsAboveRounding] = [0, 0, 0];
  let first = Number.NaN;
  let last = Number.NaN;
  let lowest = Number.POSITIVE_INFINITY;
  let lowestAt = -1;
  let highest = 0;
  let pair = { from: -1, to: -1 };
  let isBroken = false;
  const every = () => evidence.header.schedule.every["path"] ?? 1;
  return ({ channel, step, value }) => {
    if (channel === "path/loss") {
      pending = { step, loss: value as number };
      return null;
    }
    const recorded = value as Monotonicity;
    if (pending?.step !== step) isBroken = true;
    if (isBroken || pending === null) {
      tally.leave("no sample of path/loss at this step: from here on the running minimum is not known");
      return null;
    }
    tally.checked++;
    if (step !== newest) {
      newest = step;
      const loss = Number.isFinite(pending.loss) ? pending.loss : Number.NaN;
      if (count === 0) first = loss;
      count++;
      if (loss > last) ups++;
      if (loss - last > 1e-6 * Math.abs(first)) upsAboveRounding++;
      last = loss;
      if (!(loss >= lowest)) {
        lowest = Number.isNaN(lowest) ? lowest : loss;
        lowestAt = step;
      }
      const rise = loss - lowest;
      if (!(rise <= highest)) {
        highest = rise;
        pair = { from: lowestAt, to: step };
      }
    }
    const rounding = 4 * UNIT_ROUNDOFF_64;
    const same = (quantity: string, found: number, wanted: number) =>
      tally.compare(step, quantity, found, wanted, rounding * Math.abs(wanted), "float64 rounding");
    same("excess", recorded.excess, last - lowest);
    same("drawUp", recorded.drawUp, highest);
    if (recorded.firstLoss !== undefined) same("firstLoss", recorded.firstLoss, first);
    const counted = recorded.firstLoss === undefined ? ups : upsAboveRounding;
    same("upFraction", recorded.upFraction, count === 1 ? 0 : counted / (count - 1));
    tally.compare(step, "every", recorded.every, every(), 0, "exact");
    // Recordings from before have a number where the probe is the training set, too.
    const isUnasked = evidence.header.probe.isTrainingSet && recorded.populationDrawUp === null;
    const known =
      Number.isNaN(highest) || isUnasked ? null : Math.max(0, highest - 2 * (recorded.pairedStdErr ?? 0));
    if (known === null || recorded.populationDrawUp === null)
      tally.expect(
        step,
        known === recorded.populationDrawUp,
        `populationDrawUp is ${recorded.populationDrawUp}`,
      );
    else same("populationDrawUp", recorded.populationDrawUp, known);
    const hasPair = pair.from >= 0 && highest > 0;
    tally.expect(
      step,
      hasPair === (recorded.pairedStdErr !== null),
      `pairedStdErr is ${recorded.pairedStdErr} where the draw-up is ${highest}`,
    );
    return hasPair ? { ...pair, stdErr: recorded.pairedStdErr } : null;
  };
}

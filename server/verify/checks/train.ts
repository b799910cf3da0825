/** What training says of each update: loss, gradient norm, update norm, η. */
import type { CheckDefinition } from "../check.ts";
import type { Evidence } from "../evidence.ts";
import { norm as lengthOf } from "../products.ts";
import { float } from "../shapes.ts";
import { compareLoss, UNIT_ROUNDOFF_64 } from "../tally.ts";
import { distance, thetaAt } from "../updates.ts";

/** θ_{t−1}, at which update t was computed. */
const before = (step: number) => [step - 1];

const batchWork = ({ header, multiplyAdds }: Evidence) => 6 * multiplyAdds * header.train.batchSize;

export const trainLoss: CheckDefinition<number> = {
  channel: "train/loss",
  needsData: true,
  retraces: true,
  shape: float,
  work: batchWork,
  start: ({ evidence, tally }) => ({
    needs: before,
    async derive({ step, value }) {
      const { theta, off } = await thetaAt(evidence, step - 1);
      const { objective, norm } = evidence.slopeOf(step - 1, theta);
      compareLoss(tally, step, "the loss", value, objective.evaluate(), norm * off);
    },
  }),
};

export const trainGradientNorm: CheckDefinition<number> = {
  channel: "train/gradient-norm",
  needsData: true,
  retraces: true,
  shape: float,
  work: batchWork,
  start: ({ evidence, tally }) => ({
    needs: before,
    async derive({ step, value }) {
      const { theta, off } = await thetaAt(evidence, step - 1);
      const { objective, gradient, norm, noise } = evidence.slopeOf(step - 1, theta);
      // The gradient of ‖g‖ is Hg/‖g‖.
      const moved = off === 0 ? 0 : (off * lengthOf(objective.apply(gradient))) / norm;
      const because = off === 0 ? "float32 rounding" : "retraced updates";
      tally.compare(step, "‖g‖", value, norm, noise + moved, because);
    },
  }),
};

export const trainUpdateNorm: CheckDefinition<number> = {
  channel: "train/update-norm",
  retraces: true,
  shape: float,
  start: ({ evidence, tally }) => ({
    needs: (step) => [step - 1, step],
    async derive({ step, value }) {
      const [from, to] = [await thetaAt(evidence, step - 1), await thetaAt(evidence, step)];
      const norm = distance(to.theta, from.theta);
      const off = from.off + to.off;
      const rounding = evidence.header.parameterCount * UNIT_ROUNDOFF_64 * norm;
      const because = off === 0 ? "float64 rounding" : "retraced updates";
      tally.compare(step, "‖θ_t − θ_{t−1}‖", value, norm, off + rounding, because);
    },
  }),
};

export const trainLearningRate: CheckDefinition<number> = {
  channel: "train/learning-rate",
  shape: float,
  start: ({ evidence, tally }) => ({
    observe({ step, value }) {
      tally.checked++;
      // One cosine, which may be rounded otherwise elsewhere.
      const eta = evidence.rates.of(step);
      tally.compare(step, "η", value as number, eta, 4 * UNIT_ROUNDOFF_64 * eta, "float64 rounding");
    },
  }),
};

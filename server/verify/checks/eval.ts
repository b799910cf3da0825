/** Loss and accuracy on the test set. */
import type { CheckDefinition } from "../check.ts";
import type { Evidence } from "../evidence.ts";
import type { Evaluation } from "../objective.ts";
import { float } from "../shapes.ts";
import { compareLoss } from "../tally.ts";

/** All MNIST test examples or as many points of a spiral; the cost is only for choosing how many samples to draw. */
const testWork = ({ multiplyAdds }: Evidence) => 10_000 * multiplyAdds;

interface Tested extends Omit<Evaluation, "losses"> {
  readonly size: number;
  readonly right: number;
  readonly unsure: number;
}

/** Both streams ask for the same steps, one after the other. */
const known = new WeakMap<Evidence, Map<number, Tested>>();

async function tested(evidence: Evidence, step: number): Promise<Tested> {
  const steps = known.get(evidence) ?? new Map<number, Tested>();
  known.set(evidence, steps);
  const before = steps.get(step);
  if (before !== undefined) return before;
  const parts = evidence.data.test() ?? [];
  const found = { size: 0, loss: 0, noise: 0, overflows: false, right: 0, unsure: 0 };
  for (const part of parts) {
    const objective = await evidence.at(step, part);
    const { loss, noise, overflows } = objective.evaluate();
    const { right, unsure } = objective.count();
    found.loss += objective.size * loss;
    found.noise += objective.size * noise;
    found.overflows ||= overflows;
    found.size += objective.size;
    found.right += right;
    found.unsure += unsure;
  }
  found.loss /= found.size;
  found.noise /= found.size;
  steps.set(step, found);
  return found;
}

export const evalTestLoss: CheckDefinition<number> = {
  channel: "eval/test-loss",
  needsData: true,
  shape: float,
  work: testWork,
  start: ({ evidence, tally }) => ({
    needs: (step) => [step],
    async derive({ step, value }) {
      compareLoss(tally, step, "the loss", value, await tested(evidence, step));
    },
  }),
};

export const evalTestAccuracy: CheckDefinition<number> = {
  channel: "eval/test-accuracy",
  needsData: true,
  shape: float,
  work: testWork,
  start: ({ evidence, tally }) => ({
    needs: (step) => [step],
    async derive({ step, value }) {
      const { right, unsure, size, overflows } = await tested(evidence, step);
      if (overflows && Number.isNaN(value)) return;
      const because = unsure === 0 ? "exact" : "float32 rounding";
      tally.compare(step, "the share", value, right / size, unsure / size, because);
    },
  }),
};

/** The curvature that minibatches meet along their own gradients. */
import type * as z from "zod/mini";
import { createRandom } from "../../numerics/random.ts";
import type { CheckDefinition } from "../check.ts";
import type { Evidence } from "../evidence.ts";
import { Objective64 } from "../objective.ts";
import { dot, norm } from "../products.ts";
import { sharpness } from "../shapes.ts";
import { SIGMAS } from "../tally.ts";
import { sharpnessThreshold } from "../threshold.ts";

type Sharpness = z.infer<typeof sharpness>;

const USUAL_BATCHES = 32;

export const batchSharpness: CheckDefinition<Sharpness> = {
  channel: "hessian/batch-sharpness",
  needsData: true,
  shape: sharpness,
  work: ({ header, multiplyAdds }: Evidence) => 5 * USUAL_BATCHES * header.train.batchSize * multiplyAdds,
  start: ({ evidence, tally }) => ({
    observe({ step, value }) {
      const { value: found, threshold, ratio } = value as Sharpness;
      const { header, rates } = evidence;
      const limits = [rates.of(step + 1), rates.foreseen(step)].map((eta) => sharpnessThreshold(header, eta));
      tally.expect(
        step,
        limits.some(
          (limit) => limit === threshold || Math.abs((limit ?? 0) - (threshold ?? 0)) <= 1e-15 * (limit ?? 0),
        ),
        `threshold is ${threshold}, expected ${limits[0]}`,
      );
      tally.follows(step, "ratio", ratio, threshold === null ? null : found / threshold);
    },
    needs: (step) => [step],
    async derive({ step, value }) {
      const theta = await evidence.theta(step);
      const random = createRandom(evidence.config.seeds.vectors)
        .stream("hessian/batch-sharpness")
        .stream(step);
      const quotients = Array.from({ length: value.batches }, () =>
        quotient(evidence, theta, evidence.subset(random, evidence.header.train.batchSize)),
      );
      const mean = quotients.reduce((sum, each) => sum + each.value, 0) / quotients.length;
      const off = quotients.reduce((sum, each) => sum + each.off, 0) / quotients.length;
      const squares = quotients.reduce((sum, each) => sum + (each.value - mean) ** 2, 0);
      const stdErr = Math.sqrt(squares / (quotients.length - 1) / quotients.length);
      tally.compare(step, "value", value.value, mean, off, "float32 rounding");
      tally.compare(step, "stdErr", value.stdErr, stdErr, off, "float32 rounding");
    },
  }),
};

/** gᵀHg/‖g‖², and how far float32 may be from it: through the direction of g, through H, and through kinks nearby. */
function quotient(evidence: Evidence, theta: Float32Array, indices: Uint32Array) {
  const part = evidence.data.train(indices);
  const at = (kink: number) => {
    const objective = new Objective64(evidence.network, part, theta, kink);
    const { gradient, noise, kinks } = objective.slope();
    const size = norm(gradient);
    const product = objective.apply(gradient);
    const stretched = norm(product) / size;
    const off = SIGMAS * ((2 * noise * stretched) / size + objective.hessianNoise(stretched));
    return { value: dot(gradient, product) / (size * size), off, kinks };
  };
  const { value, off, kinks } = at(0);
  if (kinks === 0) return { value, off };
  const sides = [at(-1), at(1)].map((side) => Math.abs(side.value - value));
  return { value, off: off + Math.max(...sides) };
}

/** Curvature along the update that was made, and the rise of the loss along the gradient. */
import type * as z from "zod/mini";
import type { CheckDefinition } from "../check.ts";
import type { Evidence } from "../evidence.ts";
import { dot, norm } from "../products.ts";
import { directional, sam } from "../shapes.ts";
import { compareLoss, SIGMAS, UNIT_ROUNDOFF_64 } from "../tally.ts";
import { type Derived, thetaAt } from "../updates.ts";

type Directional = z.infer<typeof directional>;

export const hessianDirectional: CheckDefinition<Directional> = {
  channel: "hessian/directional",
  since: 1,
  needsData: true,
  retraces: true,
  shape: directional,
  work: ({ header, multiplyAdds }: Evidence) => 10 * multiplyAdds * header.train.batchSize,
  start: ({ evidence, tally }) => ({
    needs: (step) => [step - 1, step],
    async derive({ step, value }) {
      const [before, after] = [await thetaAt(evidence, step - 1), await thetaAt(evidence, step)];
      const apart = before.off + after.off;
      if (!Number.isFinite(apart)) {
        // Where a run diverges, rounding grows past all bounds from one recorded θ to the next.
        tally.checked--;
        return tally.leave("updates from a θ that its neighbours leave open");
      }
      const [from, to] = [before.theta, after.theta];
      const update = Float64Array.from(to, (now, i) => now - (from[i] as number));
      const { objective, gradient, noise } = evidence.slopeOf(step - 1, from);
      const product = objective.apply(update);
      const length = norm(update);
      const [curvature, slope] = [dot(update, product), dot(update, gradient)];
      // u is kept in float32, and H is what float32 makes of it.
      const stretched = norm(product) / length;
      const because = apart === 0 ? "float32 rounding" : "retraced updates";
      const off =
        SIGMAS * (objective.hessianNoise(stretched) + 2 ** -23 * stretched) +
        (2 * stretched * apart) / length +
        curvatureMoved(evidence, step - 1, before, update);
      tally.compare(step, "n", value.n, objective.size, 0, "exact");
      tally.compare(step, "‖u‖", value.updateNorm, length, 2 ** -23 * length + apart, because);
      tally.compare(step, "uᵀHu/‖u‖²", value.value, curvature / length ** 2, off, because);
      const slopeOff =
        (noise + stretched * before.off) * length +
        norm(gradient) * apart +
        SIGMAS * 2 ** -24 * Math.abs(slope);
      if (Math.abs(slope) <= slopeOff) return;
      tally.expect(
        step,
        (value.ratio === null) === slope > 0,
        `ratio is ${value.ratio} where gᵀu is ${slope}`,
      );
      if (value.ratio === null) return;
      const ratio = curvature / (-2 * slope);
      const ratioOff =
        (off * length ** 2 + 2 * stretched * length * apart) / Math.abs(2 * slope) +
        Math.abs(ratio) * (slopeOff / Math.abs(slope));
      tally.compare(step, "ratio", value.ratio, ratio, ratioOff, because);
    },
  }),
};

/** How uᵀHu/‖u‖² changes with a θ that is not quite known: seen on one that is as far off. */
function curvatureMoved(
  evidence: Evidence,
  t: number,
  { theta, off }: Derived,
  update: Float64Array,
): number {
  if (off === 0) return 0;
  const along = (at: Float32Array) =>
    dot(update, evidence.slopeOf(t, at).objective.apply(update)) / dot(update, update);
  const each = off / Math.sqrt(theta.length);
  const beside = theta.map((value, i) => value + (i % 2 === 0 ? each : -each));
  return SIGMAS * Math.abs(along(beside) - along(theta));
}

type Sam = z.infer<typeof sam>;

export const sharpnessSam: CheckDefinition<Sam> = {
  channel: "sharpness/sam",
  needsData: true,
  shape: sam,
  work: ({ header, multiplyAdds }: Evidence) => 6 * multiplyAdds * header.probe.size,
  start: ({ evidence, tally }) => ({
    needs: (step) => [step],
    async derive({ step, value }) {
      const theta = await evidence.theta(step);
      const objective = evidence.objective(theta);
      const evaluation = objective.evaluate();
      if (evaluation.overflows) return;
      const { gradient, noise: gradientNoise } = objective.slope();
      const length = norm(gradient);
      const above = evidence.objective(
        theta.map((at, i) => at + (value.rho * (gradient[i] as number)) / length),
      );
      const risen = above.evaluate();
      // The point may lie elsewhere by as much as the gradient's direction is off, and the loss there has a slope.
      const turned = (SIGMAS * gradientNoise * value.rho) / length;
      const off = SIGMAS * (evaluation.noise + risen.noise) + turned * norm(above.slope().gradient);
      compareLoss(tally, step, "loss", value.loss, evaluation);
      tally.compare(step, "‖∇L‖", value.gradientNorm, length, SIGMAS * gradientNoise, "float32 rounding");
      tally.compare(
        step,
        "value",
        value.value,
        risen.loss - evaluation.loss,
        off + UNIT_ROUNDOFF_64 * evaluation.loss,
        "float32 rounding",
      );
    },
  }),
};

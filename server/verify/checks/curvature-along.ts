/** Curvature along the update that was made, and the rise of the loss along the gradient. */
import type { CheckDefinition } from "../check.ts";
import { type Evidence, SIGMAS, UNIT_ROUNDOFF_64 } from "../evidence.ts";
import { dot, norm } from "../products.ts";
import { directional, sam } from "../shapes.ts";

interface Directional {
  readonly value: number;
  readonly ratio: number | null;
  readonly updateNorm: number;
  readonly n: number;
}

export const hessianDirectional: CheckDefinition<Directional> = {
  channel: "hessian/directional",
  since: 1,
  needsData: true,
  shape: directional as never,
  work: ({ header }: Evidence) => 10 * header.parameterCount * header.train.batchSize,
  start: ({ evidence, tally }) => ({
    needs: (step) => [step - 1, step],
    async derive({ step, value }) {
      const [from, to] = [await evidence.theta(step - 1), await evidence.theta(step)];
      const update = Float64Array.from(to, (now, i) => now - (from[i] as number));
      const { objective, gradient, noise } = evidence.slopeOf(step - 1, from);
      const product = objective.apply(update);
      const length = norm(update);
      const [curvature, slope] = [dot(update, product), dot(update, gradient)];
      // u is kept in float32, and H is what float32 makes of it.
      const stretched = norm(product) / length;
      const off = SIGMAS * (objective.hessianNoise(stretched) + 2 ** -23 * stretched);
      tally.compare(step, "n", value.n, objective.size, 0, "exact");
      tally.compare(step, "‖u‖", value.updateNorm, length, 2 ** -23 * length, "float32 rounding");
      tally.compare(step, "uᵀHu/‖u‖²", value.value, curvature / length ** 2, off, "float32 rounding");
      const slopeOff = noise * length + SIGMAS * 2 ** -24 * Math.abs(slope);
      if (Math.abs(slope) <= slopeOff) return;
      tally.expect(
        step,
        (value.ratio === null) === slope > 0,
        `ratio is ${value.ratio} where gᵀu is ${slope}`,
      );
      if (value.ratio === null) return;
      const ratio = curvature / (-2 * slope);
      const ratioOff =
        (off * length ** 2) / Math.abs(2 * slope) + Math.abs(ratio) * (slopeOff / Math.abs(slope));
      tally.compare(step, "ratio", value.ratio, ratio, ratioOff, "float32 rounding");
    },
  }),
};

interface Sam {
  readonly value: number;
  readonly rho: number;
  readonly loss: number;
  readonly gradientNorm: number;
}

export const sharpnessSam: CheckDefinition<Sam> = {
  channel: "sharpness/sam",
  needsData: true,
  shape: sam as never,
  work: ({ header }: Evidence) => 6 * header.parameterCount * header.probe.size,
  start: ({ evidence, tally }) => ({
    needs: (step) => [step],
    async derive({ step, value }) {
      const theta = await evidence.theta(step);
      const objective = evidence.objective(theta);
      const { loss, noise, overflows } = objective.evaluate();
      if (overflows) return;
      const { gradient, noise: gradientNoise } = objective.slope();
      const length = norm(gradient);
      const above = evidence.objective(
        theta.map((at, i) => at + (value.rho * (gradient[i] as number)) / length),
      );
      const risen = above.evaluate();
      // The point may lie elsewhere by as much as the gradient's direction is off, and the loss there has a slope.
      const turned = (SIGMAS * gradientNoise * value.rho) / length;
      const off = SIGMAS * (noise + risen.noise) + turned * norm(above.slope().gradient);
      tally.compare(step, "loss", value.loss, loss, SIGMAS * noise, "float32 rounding");
      tally.compare(step, "‖∇L‖", value.gradientNorm, length, SIGMAS * gradientNoise, "float32 rounding");
      tally.compare(
        step,
        "value",
        value.value,
        risen.loss - loss,
        off + UNIT_ROUNDOFF_64 * loss,
        "float32 rounding",
      );
    },
  }),
};

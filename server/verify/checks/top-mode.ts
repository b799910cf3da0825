/** Where θ is along the top eigenvector, as far as that has been found again. */
import type * as z from "zod/mini";
import { whole } from "../../../shared/number-words.ts";
import { isDue } from "../../../shared/schedule.ts";
import type { CheckDefinition } from "../check.ts";
import { UNIT_ROUNDOFF } from "../float32.ts";
import type { Reservoir } from "../sampler.ts";
import { topMode } from "../shapes.ts";
import { distance, reaches, thetaAt } from "../updates.ts";

type TopMode = z.infer<typeof topMode>;

/** Of each v₁. */
const DRAWN = 4;

/** Which v₁ is in use is checked on every sample; the projection on those whose v₁ the Hessian's check has derived. */
export const pathTopMode: CheckDefinition<TopMode> = {
  channel: "path/top-mode",
  shape: topMode,
  after: "hessian/eigenvalues",
  start({ evidence, tally, sampler, shared }) {
    const { steps, schedule } = evidence.header;
    const every = schedule.every["hessian"] ?? 1;
    const byMode = new Map<number, Reservoir<TopMode>>();
    let newest: TopMode | null = null;
    return {
      observe({ step, value }) {
        const sample = value as TopMode;
        const { projection, modeStep, referenceStep } = sample;
        const usual = inUse(step, every, steps);
        const isKept =
          newest !== null && newest.modeStep === modeStep && newest.referenceStep === referenceStep;
        tally.expect(
          step,
          isKept || (usual.modeStep === modeStep && usual.referenceStep === referenceStep),
          `v₁ of step ${whole(modeStep)} since step ${whole(referenceStep)}, expected that of ${whole(usual.modeStep)} since ${whole(usual.referenceStep)}`,
        );
        newest = sample;
        if (step === referenceStep) tally.compare(step, "projection", projection, 0, 0, "exact");
        else if (evidence.holds(step) && reaches(evidence, referenceStep)) {
          const drawn = byMode.get(modeStep) ?? sampler.reservoir<TopMode>(DRAWN);
          drawn.offer(step, sample);
          byMode.set(modeStep, drawn);
        } else tally.leave("projections whose θ, or the one that they begin at, is not recorded");
      },
      async finish() {
        for (const [modeStep, reservoir] of byMode) {
          const mode = shared.modes.get(modeStep);
          const samples = mode === undefined ? [] : reservoir.drawn();
          let sign = 0;
          for (const { step, item } of samples.sort(
            (a, b) => Math.abs(b.item.projection) - Math.abs(a.item.projection),
          )) {
            const { vector, angle } = mode as NonNullable<typeof mode>;
            const theta = await evidence.theta(step);
            const { theta: reference, off } = await thetaAt(evidence, item.referenceStep);
            const along = vector.reduce(
              (sum, v, i) => sum + v * ((theta[i] as number) - (reference[i] as number)),
              0,
            );
            // An eigenvector's sign means nothing; the largest projection gives it for the others.
            if (sign === 0) sign = Math.sign(along * item.projection) || 1;
            const tolerance = distance(theta, reference) * (angle + UNIT_ROUNDOFF) + off;
            tally.checked++;
            tally.compare(step, "projection", item.projection, sign * along, tolerance, "residual and gap");
          }
          if (mode === undefined)
            tally.leave("projections on a v₁ that was not derived or not apart from v₂");
        }
      },
    };
  },
};

/** v₁ of a due step comes into use one step after the next due step. */
function inUse(step: number, every: number, lastStep: number): Pick<TopMode, "modeStep" | "referenceStep"> {
  const before = (t: number) => {
    let due = t - 1;
    while (due >= 0 && !isDue(due, every, lastStep)) due--;
    return due;
  };
  const newest = before(step);
  return { modeStep: before(newest), referenceStep: newest + 1 };
}

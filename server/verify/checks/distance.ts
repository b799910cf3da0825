/** How far θ is from θ₀, and how long the way was. */
import type * as z from "zod/mini";
import type { CheckDefinition } from "../check.ts";
import { travelled } from "../shapes.ts";
import { UNIT_ROUNDOFF_64 } from "../tally.ts";

type Travelled = z.infer<typeof travelled>;

/** Norms that wait for the other thread's sample of the same step: as many as the ring between them has slots, and some. */
const MOST_WAITING = 65_536;

/** Every sample's path length is the one before and the update's norm; the rest is derived from θ for those drawn. */
export const distanceToInit: CheckDefinition<Travelled> = {
  channel: "distance/to-init",
  shape: travelled,
  listens: ["train/update-norm"],
  work: ({ header }) => 6 * header.parameterCount,
  start({ evidence, tally }) {
    const { parameters, parameterCount } = evidence.header;
    const rounding = parameterCount * UNIT_ROUNDOFF_64;
    const norms = new Map<number, number>();
    const { firstStep } = evidence;
    // A fork's path goes on from its parent's, whose length the header has.
    const { pathLength: walked = 0 } = evidence.header.fork ?? {};
    const lengths = new Map<number, number>([[firstStep - 1, walked ?? Number.NaN]]);
    const follow = (step: number) => {
      const [now, before, norm] = [
        lengths.get(step),
        lengths.get(step - 1),
        step === firstStep ? 0 : norms.get(step),
      ];
      if (now === undefined || before === undefined || norm === undefined) return;
      tally.compare(step, "pathLength", now, before + norm, rounding * now, "float64 rounding");
      lengths.delete(step - 1);
      norms.delete(step);
    };
    return {
      observe({ channel, step, value }) {
        if (norms.size > MOST_WAITING || lengths.size > MOST_WAITING) return;
        if (channel === "train/update-norm") {
          norms.set(step, value as number);
          follow(step);
          follow(step + 1);
          return;
        }
        const { l2, pathLength, straightness } = value as Travelled;
        lengths.set(step, pathLength);
        follow(step);
        follow(step + 1);
        const ratio = pathLength === 0 ? 1 : l2 / pathLength;
        tally.compare(step, "straightness", straightness, ratio, 4 * UNIT_ROUNDOFF_64, "float64 rounding");
      },
      needs: (step) => [step, 0],
      async derive({ step, value }) {
        const [theta, initial] = [await evidence.theta(step), await evidence.theta(0)];
        const close = (quantity: string, recorded: number, derived: number) =>
          tally.compare(step, quantity, recorded, derived, rounding * derived, "float64 rounding");
        let [all, start] = [0, 0];
        tally.expect(
          step,
          value.perLayer.length === parameters.length && value.rotation.length === parameters.length,
          `expected ${parameters.length} parameters, found ${value.perLayer.length} and ${value.rotation.length}`,
        );
        for (const [index, { offset, shape, name }] of parameters.entries()) {
          let [displaced, squares, product, initially] = [0, 0, 0, 0];
          for (let i = offset; i < offset + shape.reduce((size, length) => size * length, 1); i++) {
            const [now, then] = [theta[i] as number, initial[i] as number];
            displaced += (now - then) ** 2;
            squares += now * now;
            product += now * then;
            initially += then * then;
          }
          all += displaced;
          start += initially;
          close(`perLayer of ${name}`, value.perLayer[index] ?? Number.NaN, Math.sqrt(displaced));
          const rotation = Math.max(0, 1 - product / Math.sqrt(squares * initially));
          const found = value.rotation[index] ?? Number.NaN;
          tally.compare(step, `rotation of ${name}`, found, rotation, 4 * rounding, "float64 rounding");
        }
        close("l2", value.l2, Math.sqrt(all));
        close("relative", value.relative, Math.sqrt(all / start));
      },
      async finish() {
        // Of a whole log the last length alone waits for its successor.
        if (lengths.size > 1 || norms.size > 0)
          tally.leave("pathLength: a step of it or of train/update-norm is missing");
      },
    };
  },
};

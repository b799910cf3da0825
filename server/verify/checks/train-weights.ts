/** θ₀ from its seed, and each θ from the one before by the optimizer's rule. */
import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { whole } from "../../../shared/number-words.ts";
import type { CheckDefinition } from "../check.ts";
import type { Evidence } from "../evidence.ts";
import { type Derived, distance, retraced, updateFrom, velocityAfter } from "../updates.ts";

const NO_ORIGIN: Readonly<Record<string, string>> = {
  gd: "the θ before is more than 8 updates away",
  sgd: "the θ before is more than 8 updates away",
  momentum: "the velocity follows from the two θ before, which are not both recorded",
  nesterov: "the velocity follows from the two θ before, which are not both recorded",
  adam: "Adam's moments are recorded with train/state only, whose check follows the updates from there",
};

/** Its samples are step numbers: θ itself is decoded when it is drawn. */
export const trainWeights: CheckDefinition<number> = {
  channel: "train/weights",
  shape: z.int(),
  work: ({ header, multiplyAdds }: Evidence) =>
    12 * multiplyAdds * header.train.batchSize * header.weightsEvery,
  start({ evidence, tally }) {
    const leave = (reason: string) => {
      tally.checked--;
      tally.leave(reason);
    };
    const initial = (theta: Float32Array) => {
      const drawn = evidence.drawn("initial");
      if (drawn === null) return leave("θ₀ is what the module's model held");
      for (const [i, value] of theta.entries()) {
        const wanted = drawn[i] as number;
        // Logarithm and cosine may be rounded otherwise in another version of Node.
        if (value !== wanted)
          tally.compare(0, `θ₀[${i}]`, value, wanted, 2 ** -23 * Math.abs(wanted), "float32 rounding");
      }
      tally.compare(0, "‖θ₀ − θ₀ by its seed‖", distance(theta, drawn), 0, 0, "exact");
    };
    const inherited = (theta: Float32Array) => {
      const { step = 0, thetaSha256 = "", name = "" } = evidence.header.fork ?? {};
      const sha256 = createHash("sha256").update(new Uint8Array(theta.slice().buffer)).digest("hex");
      tally.expect(step, sha256 === thetaSha256, `its sha256 is ${sha256}, the header has ${thetaSha256}`);
      tally.leave(`how θ of step ${whole(step)} came about: it is that of ${name}, whose recording tells`);
    };
    return {
      needs: (step) => [step],
      async derive({ step }) {
        const theta = await evidence.theta(step);
        if (step === 0) return initial(theta);
        if (step === evidence.firstStep) return inherited(theta);
        if (evidence.obstacle !== null) return leave(`updates: ${evidence.obstacle}`);
        const expected = await byRule(evidence, step);
        if (expected === null) return leave(NO_ORIGIN[evidence.config.optimizer] ?? "");
        const apart = distance(theta, expected.theta);
        tally.compare(step, "‖θ − θ by the update rule‖", apart, 0, expected.off, "retraced updates");
      },
    };
  },
};

async function byRule(evidence: Evidence, step: number): Promise<Derived | null> {
  const { optimizer, momentum: beta } = evidence.config;
  if (optimizer === "gd" || optimizer === "sgd") return retraced(evidence, step);
  if (!evidence.holds(step - 1)) return null;
  const before = await evidence.theta(step - 1);
  if (optimizer === "adam") return step === 1 ? updateFrom(evidence, 0, before, {}) : null;
  const known = await velocityAfter(evidence, step - 1);
  if (known === null) return null;
  const next = updateFrom(evidence, step - 1, before, { velocity: known.velocity });
  return { theta: next.theta, off: next.off + evidence.rates.of(step) * beta * known.off };
}

/** What continuing needs: position, η, and the optimizer's slots, which must lead from θ_t to θ_{t+1}. */
import type { CheckDefinition } from "../check.ts";
import { decodedState } from "../moments.ts";
import { bytes } from "../shapes.ts";
import { distance, updateFrom, velocityAfter } from "../updates.ts";

const SLOTS: Readonly<Record<string, readonly string[]>> = {
  momentum: ["velocity"],
  nesterov: ["velocity"],
  adam: ["first", "second"],
};

export const trainState: CheckDefinition<Uint8Array> = {
  channel: "train/state",
  shape: bytes,
  start: ({ evidence, tally }) => ({
    async derive({ step, value }) {
      const state = decodedState(value);
      if (typeof state === "string") return tally.expect(step, false, state);
      const { optimizer } = evidence.config;
      tally.compare(step, "updates made", state.step, step, 0, "exact");
      tally.compare(step, "updates counted", state.updateCount, step, 0, "exact");
      tally.compare(step, "base η", state.learningRate, evidence.rates.base(step), 0, "exact");
      const names = SLOTS[optimizer] ?? [];
      tally.expect(
        step,
        Object.keys(state.slots).join() === names.join(),
        `slots are ${Object.keys(state.slots)}`,
      );
      for (const [name, slot] of Object.entries(state.slots)) {
        tally.compare(step, `elements of ${name}`, slot.length, evidence.header.parameterCount, 0, "exact");
        if (step === 0)
          tally.compare(0, `‖${name}‖`, distance(slot, new Float32Array(slot.length)), 0, 0, "exact");
      }
      if (names.length === 0) return;
      if (evidence.obstacle !== null) return tally.leave(`slots: ${evidence.obstacle}`);
      let isFollowed = step === 0;
      if (evidence.holds(step) && evidence.holds(step + 1)) {
        const next = updateFrom(evidence, step, await evidence.theta(step), state.slots);
        const apart = distance(await evidence.theta(step + 1), next.theta);
        tally.compare(step, "‖θ_{t+1} − θ_{t+1} from this state‖", apart, 0, next.off, "retraced updates");
        isFollowed = true;
      }
      const known = optimizer === "adam" ? null : await velocityAfter(evidence, step);
      if (known !== null) {
        const apart = distance(state.slots["velocity"] ?? [], known.velocity);
        tally.compare(step, "‖velocity − velocity from θ‖", apart, 0, known.off, "retraced updates");
      } else if (!isFollowed) tally.leave("slots: θ is not recorded beside this step");
    },
  }),
};

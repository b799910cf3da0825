/** What presets promise, and nothing else looks for. */
import { filter, firstValueFrom, map, takeWhile } from "rxjs";
import { expect, it } from "vitest";
import type { Objective } from "../../server/engine/objective.ts";
import { train } from "../../server/training/from-settings.ts";
import { isDue } from "../../shared/schedule.ts";

/** By power iteration: it comes near λ₁ from below, if it comes. */
function sharpness(objective: Objective, theta: Float32Array): number {
  const at = objective.linearise(theta);
  let v: Float32Array = Float32Array.from(theta, (_, i) => Math.sin(i + 1));
  for (let i = 0; i < 40; i++) {
    const norm = Math.hypot(...v);
    v = at.hessianVectorProduct(v.map((each) => each / norm));
  }
  at.dispose();
  return Math.hypot(...v);
}

// λ₁ is past the threshold for some 20 steps: an interval that follows from what watching costs on this machine may miss them.
it.each([1, 2, 3])(
  "spirals measures λ₁ while it is past heavy ball's threshold, with seed %i",
  async (seed) => {
    const training = await train({ preset: "spirals", seed, backend: "wasm" });
    const { learningRate, momentum, every } = training.config;
    const threshold = (2 + 2 * momentum) / learningRate;
    const past = training.steps$.pipe(
      takeWhile(({ step }) => step <= 250),
      filter(({ step }) => step >= 100 && isDue(step, every["hessian"] ?? Number.NaN, training.lastStep)),
      filter(({ theta }) => sharpness(training.objective, theta) > threshold),
      map(({ step }) => step),
    );
    const step = await firstValueFrom(past, { defaultValue: null });
    training.dispose();
    expect(step).not.toBeNull();
  },
);

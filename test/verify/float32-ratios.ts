/** The model of what float32 may be off by, beside what the engine is off by. */
import { expect } from "vitest";
import type { Objective64 } from "../../server/verify/objective.ts";

interface Ratios {
  readonly loss: number;
  readonly gradient: number;
}

/** Deviations of the engine's loss and gradient at one θ, in standard deviations of the model. */
export function ratiosAt(
  found: { readonly loss: number; readonly gradient: Float32Array },
  objective: Objective64,
): Ratios {
  const { loss: exact, noise } = objective.evaluate();
  const slope = objective.slope();
  const apart = Math.hypot(...found.gradient.map((value, i) => value - (slope.gradient[i] as number)));
  return { loss: Math.abs(found.loss - exact) / noise, gradient: apart / slope.noise };
}

export function expectKnown(ratios: readonly Ratios[]): void {
  const worst = (key: keyof Ratios) => Math.max(...ratios.map((ratio) => ratio[key]));
  expect(worst("loss")).toBeLessThan(4);
  expect(worst("gradient")).toBeLessThan(4);
  // A model that allows a thousand times what happens would let alterations pass.
  expect(worst("loss")).toBeGreaterThan(1e-3);
  expect(worst("gradient")).toBeGreaterThan(1e-2);
}

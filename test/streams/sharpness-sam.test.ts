import { describe, expect, it } from "vitest";
import { samSharpness } from "../../server/streams/sharpness-sam.ts";
import { makeStep, samplesOf } from "../support/make-steps.ts";
import { diagonalObjective } from "../support/quadratic-objective.ts";

describe("sharpness/sam", () => {
  it("is ρ‖g‖ + ½ρ²gᵀHg/‖g‖² on a quadratic, and names ρ", async () => {
    const objective = diagonalObjective(2, () => [8, 2]);
    const [g1, g2] = [8 * 3, 2 * 4];
    const size = Math.hypot(g1, g2);
    for (const rho of [0.05, 0.5]) {
      const expected = rho * size + (0.5 * rho ** 2 * (8 * g1 ** 2 + 2 * g2 ** 2)) / size ** 2;
      const [sample] = await samplesOf([makeStep(0, [3, 4])], samSharpness(objective, { rho }));
      expect(sample?.value.value).toBeCloseTo(expected, 4);
      expect(sample?.value).toMatchObject({ rho, loss: 52 });
      expect(sample?.value.gradientNorm).toBeCloseTo(size, 4);
    }
    const [byDefault] = await samplesOf([makeStep(0, [3, 4])], samSharpness(objective));
    expect(byDefault?.value.rho).toBe(0.05);
  });

  it("leaves θ alone, and is NaN where the gradient has no direction", async () => {
    const objective = diagonalObjective(2, () => [8, 2]);
    const step = makeStep(0, [3, 4]);
    await samplesOf([step], samSharpness(objective));
    expect([...step.theta]).toEqual([3, 4]);
    const [sample] = await samplesOf([makeStep(0, [0, 0])], samSharpness(objective));
    expect(sample?.value.value).toBeNaN();
  });
});

import { describe, expect, it } from "vitest";
import { adamThreshold, batchSharpnessThreshold, stabilityThreshold } from "../../shared/thresholds.ts";

type Optimizer = Parameters<typeof stabilityThreshold>[0]["optimizer"];

/** Does the undamped update on ½λx² stay bounded? The recursion itself, not its formula. */
function isStable(optimizer: Optimizer, lambda: number, eta: number, beta: number): boolean {
  let x = 1;
  let m = 0;
  for (let step = 0; step < 20_000; step++) {
    const ahead = optimizer === "nesterov" ? x - eta * beta * m : x;
    const g = lambda * ahead;
    m = (optimizer === "gd" ? 0 : beta * m) + g;
    x -= eta * m;
    if (Math.abs(x) > 1e6) return false;
  }
  return true;
}

describe("the stability threshold", () => {
  it.each<[Optimizer, number, string]>([
    ["gd", 0, "gd"],
    ["momentum", 0.9, "heavy-ball"],
    ["momentum", 0.5, "heavy-ball"],
    ["nesterov", 0.9, "nesterov"],
    ["nesterov", 0.5, "nesterov"],
  ])("of %s with β = %d separates bounded from unbounded iterations", (optimizer, momentum, rule) => {
    const eta = 0.03;
    const found = stabilityThreshold({ optimizer, momentum, isFullBatch: true }, eta);
    expect(found.rule).toBe(rule);
    const threshold = found.threshold ?? Number.NaN;
    expect(isStable(optimizer, 0.99 * threshold, eta, momentum)).toBe(true);
    expect(isStable(optimizer, 1.01 * threshold, eta, momentum)).toBe(false);
  });

  it.each([0.9, 0.5])(
    "of Adam with β₁ = %d separates them on ½λx² divided by a P that stands still",
    (beta1) => {
      const [eta, p] = [0.03, 7];
      const isBounded = (preconditioned: number) => {
        let x = 1;
        let m = 0;
        for (let step = 0; step < 20_000; step++) {
          m = beta1 * m + (1 - beta1) * preconditioned * p * x;
          x -= (eta * m) / p;
          if (Math.abs(x) > 1e6) return false;
        }
        return true;
      };
      const { threshold, rule } = adamThreshold(beta1, true, eta);
      expect(rule).toBe("adam");
      expect(isBounded(0.99 * threshold)).toBe(true);
      expect(isBounded(1.01 * threshold)).toBe(false);
      expect(adamThreshold(0.9, false, 0.01)).toMatchObject({ rule: "full-batch-bound" });
      expect(adamThreshold(0.9, true, 0.01).threshold).toBeCloseTo(3800, 8);
    },
  );

  it("ignores β for plain gradient descent", () => {
    const plain = stabilityThreshold({ optimizer: "sgd", momentum: 0.9, isFullBatch: true }, 0.2);
    expect(plain).toEqual({ threshold: 10, rule: "gd" });
  });

  it("is only a bound for the full batch when training takes minibatches", () => {
    const found = stabilityThreshold({ optimizer: "momentum", momentum: 0.9, isFullBatch: false }, 0.1);
    expect(found.threshold).toBeCloseTo(38, 12);
    expect(found.rule).toBe("full-batch-bound");
  });

  it("is lower by the weight decay in the gradient, which adds to every eigenvalue", () => {
    const constants = { optimizer: "gd", momentum: 0, weightDecay: 0.5, isFullBatch: true } as const;
    expect(stabilityThreshold(constants, 0.1).threshold).toBeCloseTo(19.5, 12);
    expect(batchSharpnessThreshold({ ...constants, isFullBatch: false }, 0.1)).toBeNull();
  });

  it("does not exist for Adam on the plain Hessian", () => {
    for (const isFullBatch of [true, false])
      expect(stabilityThreshold({ optimizer: "adam", momentum: 0.9, isFullBatch }, 0.001)).toEqual({
        threshold: null,
        rule: null,
      });
  });

  it("refuses a learning rate that is not positive", () => {
    expect(() => stabilityThreshold({ optimizer: "gd", momentum: 0, isFullBatch: true }, 0)).toThrow(
      RangeError,
    );
  });
});

describe("the threshold of batch sharpness", () => {
  it("is 2/η for plain SGD and unknown otherwise", () => {
    const at = (optimizer: Optimizer) =>
      batchSharpnessThreshold({ optimizer, momentum: 0.9, isFullBatch: false }, 0.1);
    expect(at("sgd")).toBe(20);
    expect([at("momentum"), at("nesterov"), at("adam")]).toEqual([null, null, null]);
  });
});

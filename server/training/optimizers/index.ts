import type { RunConfig } from "../config.ts";
import { adam } from "./adam.ts";
import { gradientDescent } from "./gradient-descent.ts";
import { SCHEDULE_FORMULA } from "./learning-rate.ts";
import { heavyBall, nesterov } from "./momentum.ts";
import type { Optimizer } from "./optimizer.ts";

export function createOptimizer(config: RunConfig, parameterCount: number): Optimizer {
  const { momentum, weightDecay } = config;
  switch (config.optimizer) {
    case "gd":
    case "sgd":
      return gradientDescent(weightDecay);
    case "momentum":
      return heavyBall(parameterCount, momentum, weightDecay);
    case "nesterov":
      return nesterov(parameterCount, momentum, weightDecay);
    case "adam":
      return adam(parameterCount, weightDecay);
  }
}

/** For the header: all constants of the update. */
export function optimizerFacts(config: RunConfig): Readonly<Record<string, unknown>> {
  const { rule, constants } = createOptimizer(config, 0);
  return {
    name: config.optimizer,
    rule,
    learningRate: config.learningRate,
    lrSchedule: config.lrSchedule,
    lrScheduleFormula: SCHEDULE_FORMULA[config.lrSchedule],
    ...constants,
    weightDecay: config.weightDecay,
    // λθ is part of the gradient, so that λ is part of the Hessian which decides stability.
    weightDecayKind: "coupled",
  };
}

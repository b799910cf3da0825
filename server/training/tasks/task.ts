/** A built-in task: a family of models, and the data it is for. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { RunConfig } from "../config.ts";

export interface Task {
  readonly name: string;
  readonly title: string;
  /** Whose settings it has when no preset is named. */
  readonly defaultPreset: string;
  /** Completes "expected …" where {@link accepts} says no. */
  readonly datasets: string;
  accepts(dataset: string): boolean;
  /**
   * The model for examples of this shape. Its weights are placeholders: θ₀ is drawn from the run's own seed.
   * Needs a tfjs backend; the caller disposes it.
   */
  build(config: RunConfig, exampleShape: readonly number[], classes: number): LayersModel;
  /** For the credibility line: "784-100-10 tanh". */
  summary(config: RunConfig, exampleShape: readonly number[], classes: number): string;
}

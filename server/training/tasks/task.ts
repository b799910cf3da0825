/** A built-in task: a family of models, and the data it is for. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { RunConfig, RunSettings } from "../config.ts";

export interface Task {
  readonly name: string;
  readonly title: string;
  /** Whose settings it has when no preset is named; null where only the user's data decide. */
  readonly defaultPreset: string | null;
  /** Completes "expected …" where {@link accepts} says no. */
  readonly datasets: string;
  accepts(dataset: string): boolean;
  /** Examples of the data set it is named for: what lists can say without reading data. Null where there is none. */
  readonly example: { readonly shape: readonly number[]; readonly outputs: number } | null;
  /** Targets are the inputs. */
  readonly reconstructs?: boolean;
  /** Settings that make it this task: the only value each may have, null where it has none. */
  readonly settled?: Readonly<Partial<Record<keyof RunSettings, unknown>>>;
  /**
   * The model for examples of this shape. Its weights are placeholders: θ₀ is drawn from the run's own seed.
   * Needs a tfjs backend; the caller disposes it.
   * @throws {UserError} for examples that it cannot take.
   */
  build(config: RunConfig, exampleShape: readonly number[], outputs: number): LayersModel;
  /** For the credibility line: "784-100-10 tanh". */
  summary(config: RunConfig, exampleShape: readonly number[], outputs: number): string;
}

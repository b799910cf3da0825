/** What computes objectives on this thread. */
import type { SelfTest } from "../../shared/header.ts";
import type { CompiledModel } from "./compile.ts";
import type { Objective } from "./objective.ts";
import type { ObjectiveData } from "./objective-data.ts";

export interface BackendFacts {
  readonly name: string;
  readonly selfTest: SelfTest;
  /** What was tried first, and why it is not used; null when the first choice serves. */
  readonly note: string | null;
}

export interface Backend extends BackendFacts {
  /** @throws {EngineError} when this model cannot be computed here and no other backend may take its place. */
  open(compiled: CompiledModel): ModelBackend;
}

/** One model's objectives, here or on the backend that takes its place: the facts are those of the one that serves. */
export interface ModelBackend extends BackendFacts {
  /** @throws {EngineError} when the data does not fit the model. */
  createObjective(data: ObjectiveData): Objective;
  /** Frees what the objectives shared; dispose of them first. */
  dispose(): void;
}

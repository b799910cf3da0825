/** A stream: a passport, and how its samples follow from the steps. */
import type { OperatorFunction } from "rxjs";
import type { Sample, StreamDescriptor } from "../../shared/stream.ts";
import type { Run, Step } from "../training/run.ts";

/** Which thread derives it: with the trainer, at every step beside it, or at scheduled steps on the probe. */
export type StreamRole = "trainer" | "geometry" | "curvature";

export interface StreamContext {
  readonly run: Run;
  /** Interval of this stream, in steps; 1 for every-step streams. */
  readonly every: number;
  /** Its index among the header's channels: a step that demands it is measured, due or not. */
  readonly channel?: number | undefined;
  readonly modes: Modes;
  /** Bare numbers of another stream's schedule, by its key: path/top-mode must know when the Hessian is measured. */
  everyOf(scheduleKey: string): number;
}

/** Top eigenvectors on their way from the stream that measures them to the one that projects on them. */
export interface Modes {
  /** v₁ as measured at a due step; null when that measurement failed. Called once for each due step, in order. */
  publish(step: number, vector: Float32Array | null): void;
  /**
   * v₁ measured at this due step. Waits for it where it comes from another thread; null when it failed or was skipped.
   * Asked in increasing order; older vectors may be forgotten.
   */
  take(step: number): Float32Array | null;
  /** Milliseconds that takers have waited so far: no work of theirs. */
  readonly waitedMs: number;
}

export interface StreamDefinition {
  /** `cadence.every` is filled in when the schedule is known. */
  readonly descriptor: StreamDescriptor;
  role(run: Run): StreamRole;
  /** Key under which `--every <key>=<k>` sets its interval; streams measured together share one. */
  readonly scheduleKey: string | null;
  /** Most bytes a measurement holds beside θ and what the objective keeps; default: next to nothing. */
  memoryBytes?(run: Run): number;
  /** False where the run has no use for it (no test set, no minibatch): it is then not announced. */
  applies(run: Run): boolean;
  /** Sees every step; itself passes over those that are not due. */
  derive(context: StreamContext): OperatorFunction<Step, Sample>;
}

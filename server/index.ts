/** Thalweg as a library: training as an observable, and the operators that derive its streams. */
export type {
  BatchSharpness,
  DirectionalSharpness,
  DistanceToInit,
  Eigenvalue,
  GaussNewtonEigenvalues,
  HessianDensity,
  HessianEigenvalues,
  HessianOverlap,
  HessianPerLayer,
  LineProfile,
  NoiseScale,
  PathMonotonicity,
  PreconditionedEigenvalues,
  SamSharpness,
  TopMode,
  TopSubspace,
} from "../shared/readings.ts";
export type { Sample, StreamDescriptor } from "../shared/stream.ts";
export { stabilityThreshold } from "../shared/thresholds.ts";
export type { Linearised, Objective } from "./engine/objective.ts";
export { pipeline } from "./pipeline.ts";
export { openRecording, type RecordedSession } from "./session/recorded-session.ts";
export type { Cursor, Session, SessionEvent, SessionStatus } from "./session/session.ts";
export type { StreamContext, StreamDefinition } from "./streams/define.ts";
export * from "./streams/index.ts";
export type { RunSettings } from "./training/config.ts";
export { train } from "./training/from-settings.ts";
export { PRESETS } from "./training/presets.ts";
export type { Run, Step, Training, TrainingControl } from "./training/run.ts";
export { UserError } from "./training/user-error.ts";

/** What the threads say to each other. Big things (θ, examples) lie on shared memory; these are small. */
import type { SelfTest } from "../../shared/header.ts";
import type { ControlAction } from "../../shared/protocol.ts";
import type { RunConfig } from "../training/config.ts";
import type { Blueprint } from "../training/run.ts";
import type { RingBuffers } from "./ring.ts";

/** A sample ready for the log: JSON text, encoded weights, or bytes. */
export interface PackedSample {
  readonly channel: string;
  readonly step: number;
  readonly json?: string;
  readonly weights?: Uint8Array;
  readonly bytes?: Uint8Array;
}

/** Shared counter of batches that main has appended to the log: the credit of {@link import("./outbox.ts").Outbox}. */
export type AckBuffer = SharedArrayBuffer;

/** What a measuring thread needs to build its streams. */
export interface Plan {
  /** Names of the streams to derive here. */
  readonly streams: readonly string[];
  /** Interval by stream name, and by schedule key. */
  readonly every: Readonly<Record<string, number>>;
  readonly bestEffort: boolean;
  readonly weightsEvery: number;
  readonly stateEvery: number;
  /** Streams by channel number, for steps that demand one. */
  readonly channels: readonly string[];
  readonly acks: AckBuffer;
}

export type TrainingRequest =
  | { readonly kind: "open"; readonly config: RunConfig; readonly module: string | null }
  | { readonly kind: "begin"; readonly plan: Plan; readonly all: RingBuffers; readonly measured: RingBuffers | null }
  | { readonly kind: "control"; readonly action: ControlAction; readonly request: number };

export type MeasuringRequest =
  | { readonly kind: "open"; readonly blueprint: Blueprint }
  | { readonly kind: "begin"; readonly plan: Plan; readonly ring: RingBuffers; readonly modes: MessagePort };

export type ThreadReply =
  | {
      readonly kind: "opened";
      readonly blueprint?: Blueprint;
      readonly backend: string;
      readonly note: string | null;
      readonly selfTest: SelfTest | null;
      /** Measured here, before the first step. */
      readonly costsMs: Readonly<Record<string, number>>;
    }
  /** The user's world is wrong: no stack trace. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  /** A bug. */
  | { readonly kind: "broken"; readonly message: string }
  | { readonly kind: "batch"; readonly samples: readonly PackedSample[] }
  | { readonly kind: "busy"; readonly busyMs: Readonly<Record<string, number>> }
  | {
      readonly kind: "pace";
      /** Quartiles of the step period since the last report, and how many steps. */
      readonly stepMs: readonly [number, number, number];
      readonly steps: number;
      readonly step: number;
    }
  | { readonly kind: "state"; readonly state: "running" | "paused" }
  | { readonly kind: "diverged"; readonly step: number; readonly what: string }
  | { readonly kind: "answer"; readonly request: number; readonly code: string | null; readonly message: string }
  | { readonly kind: "done" };

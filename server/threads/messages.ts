/** What the threads say to each other. Big things (θ, examples) lie on shared memory; these are small. */
import type { MessagePort } from "node:worker_threads";
import type { ControlAction } from "../../shared/protocol.ts";
import type { BackendFacts } from "../engine/backend.ts";
import type { StreamRole } from "../streams/define.ts";
import type { RunConfig, RunSettings } from "../training/config.ts";
import type { Fork } from "../training/fork.ts";
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

/** A stream that applies to the run: where it is derived, and which interval is its. */
export interface PlannedStream {
  readonly name: string;
  readonly role: StreamRole;
  readonly scheduleKey: string | null;
  /** Without the dense beginning: see {@link import("../../shared/stream.ts").Cadence}. */
  readonly isSparse: boolean;
  readonly memoryBytes: number;
}

/** What every thread must agree on before the first step. */
export interface Plan {
  readonly streams: readonly PlannedStream[];
  /** Interval of each stream that has one, by name; and by schedule key. */
  readonly everyOfStream: Readonly<Record<string, number>>;
  readonly everyOfKey: Readonly<Record<string, number>>;
  readonly bestEffort: boolean;
  /** Names by channel number. */
  readonly channels: readonly string[];
}

/** Vectors from the thread that measures them to the one that projects on them. */
export interface ModeLine {
  readonly port: MessagePort;
  /** Word 0 counts what was published, word 1 is 1 once no more will come. */
  readonly signal: SharedArrayBuffer;
}

/** Work as in the run, for about this long, beside each other and apart (see {@link import("./trial.ts")}), and say what it took. */
export interface TimeRequest {
  readonly kind: "time";
  readonly forMs: number;
  readonly turns: SharedArrayBuffer;
}

export type TrainingRequest =
  | {
      readonly kind: "open";
      readonly config: RunConfig;
      /** A user's module, and the settings given beside it. */
      readonly module: { readonly path: string; readonly settings: RunSettings } | null;
      /** Where training begins; null: at θ₀. */
      readonly fork: Fork | null;
    }
  | TimeRequest
  | {
      readonly kind: "begin";
      readonly plan: Plan;
      readonly acks: SharedArrayBuffer;
      readonly all: RingBuffers;
      readonly measured: RingBuffers | null;
    }
  | { readonly kind: "control"; readonly action: ControlAction; readonly request: number };

export type MeasuringRequest =
  | { readonly kind: "open"; readonly blueprint: Blueprint }
  | TimeRequest
  | {
      readonly kind: "begin";
      readonly plan: Plan;
      readonly acks: SharedArrayBuffer;
      readonly ring: RingBuffers;
      readonly modes: ModeLine;
    };

export interface Opened {
  readonly kind: "opened";
  readonly backend: BackendFacts;
  /** From the training thread only. */
  readonly blueprint?: Blueprint;
  readonly streams?: readonly PlannedStream[];
}

/** What a thread's work takes, as timed before the first step. */
export interface Timed {
  readonly kind: "timed";
  readonly costsMs: Readonly<Record<string, number>>;
}

export type ThreadReply =
  | Opened
  | Timed
  /** The user's world is wrong: one sentence, no stack. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  /** A bug. */
  | { readonly kind: "broken"; readonly message: string }
  | { readonly kind: "batch"; readonly samples: readonly PackedSample[] }
  | { readonly kind: "busy"; readonly busyMs: Readonly<Record<string, number>> }
  /** The mean step period since the last report, between two standard errors to either side. */
  | { readonly kind: "pace"; readonly stepMs: readonly [number, number, number]; readonly step: number }
  | { readonly kind: "state"; readonly state: "running" | "paused" }
  | { readonly kind: "diverged"; readonly step: number; readonly what: string }
  | {
      readonly kind: "answer";
      readonly request: number;
      readonly step: number;
      readonly refusal: { readonly code: string; readonly message: string } | null;
    }
  | { readonly kind: "done" };

/** How one stream is checked. */
import type * as z from "zod/mini";
import type { Evidence } from "./evidence.ts";
import type { Sampler } from "./sampler.ts";
import type { Spectra } from "./spectra.ts";
import type { Tally } from "./tally.ts";

export interface Recorded<V = unknown> {
  readonly channel: string;
  readonly step: number;
  readonly value: V;
}

/** What a check works with. */
export interface Bench {
  readonly evidence: Evidence;
  readonly tally: Tally;
  /** Draws samples; a check may draw further ones of its own. */
  readonly sampler: Sampler;
  /** Of another stream's check, what it found on the way. */
  readonly shared: SharedFindings;
}

/** What one check finds for others. */
export interface SharedFindings {
  readonly spectra: Spectra;
  /** v₁ of those steps at which it is apart from v₂. */
  readonly modes: Map<number, FoundMode>;
}

export interface FoundMode {
  readonly vector: Float32Array;
  /** The angle between the recorded and the found vector is at most this, in radians. */
  readonly angle: number;
}

export interface StreamCheck<V> {
  /** Sees every sample of the streams it listens to, in the order of the log: relations that cost nothing. */
  observe?(sample: Recorded): void;
  /** Steps whose θ a sample needs; a sample that needs one that is not recorded is not drawn. Default: none. */
  needs?(step: number): readonly number[];
  /** Derives a drawn sample anew. */
  derive?(sample: Recorded<V>): Promise<void> | void;
  /** After the drawn ones. */
  finish?(): Promise<void>;
}

export interface CheckDefinition<V = never> {
  readonly channel: string;
  /** What a value looks like; one that looks otherwise is a fault and is not looked at further. */
  readonly shape: z.ZodMiniType<V>;
  /** Streams beside its own that it must see. */
  readonly listens?: readonly string[];
  /** A stream whose check finds what this one needs. */
  readonly after?: string;
  /** Multiply-adds of one sample, about: dear streams are drawn less often. */
  work?(evidence: Evidence): number;
  /** What is never derived anew, and why. */
  readonly apart?: readonly string[];
  /** Does deriving it need the data and a network with float64 rules? */
  readonly needsData?: boolean;
  /** May its θ be retraced where they are not recorded? */
  readonly retraces?: boolean;
  /** The first step that has a sample. Default 0: where nothing has been updated yet. */
  readonly since?: number;
  /** Can be followed to its form only. */
  readonly structureOnly?: boolean;
  start(bench: Bench): StreamCheck<V>;
}

/** What a verification found. */
import type { SessionHeader } from "../../shared/header.ts";
import type { SessionStatus } from "../session/session.ts";
import type { CheckDefinition } from "./check.ts";
import type { Deviation, Tally } from "./tally.ts";

export type StreamVerdict = "agrees" | "differs" | "structure only" | "no samples" | "not checked";

export interface StreamReport {
  /** A channel, or "header". */
  readonly stream: string;
  /** In the recording. */
  readonly samples: number;
  /** Derived anew from θ, or followed from sample to sample. */
  readonly checked: number;
  /** Numbers compared, relations included. */
  readonly compared: number;
  readonly verdict: StreamVerdict;
  /** The one that is largest against its tolerance; null where all agree to the last bit. */
  readonly largest: Deviation | null;
  readonly faultCount: number;
  readonly faults: readonly string[];
  /** What could not be checked, or never is, and why. */
  readonly notChecked: readonly string[];
}

export interface VerifyReport {
  readonly path: string;
  /** Of the file. */
  readonly sha256: string;
  readonly session: SessionHeader;
  readonly status: SessionStatus;
  readonly seed: number;
  readonly agrees: boolean;
  readonly streams: readonly StreamReport[];
}

export function reportOf(
  stream: string,
  { apart = [], structureOnly = false }: Partial<CheckDefinition<unknown>>,
  samples: number,
  tally: Tally,
): StreamReport {
  const left = [...tally.left].map(([reason, times]) =>
    times === 1 ? reason : `${reason} (${times} times)`,
  );
  const verdict =
    tally.faultCount > 0
      ? "differs"
      : samples === 0
        ? "no samples"
        : structureOnly
          ? "structure only"
          : tally.checked > 0
            ? "agrees"
            : "not checked";
  return {
    stream,
    samples,
    checked: tally.checked,
    compared: tally.compared,
    verdict,
    largest: tally.worst,
    faultCount: tally.faultCount,
    faults: tally.faults,
    notChecked: [...apart, ...left],
  };
}

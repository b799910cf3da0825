/** What a verdict is. */
import type { SessionHeader, SessionState } from "../header.ts";
import type { Sample, StreamDescriptor } from "../stream.ts";

export interface Evidence {
  readonly channel: string;
  /** The steps that decide; first and last of a stretch. */
  readonly steps: readonly number[];
}

export interface Verdict {
  readonly id: string;
  readonly question: string;
  /** "undecided" where the samples do not suffice: never a guess. */
  readonly state: "yes" | "no" | "undecided";
  /** One or two sentences with the numbers in them; of a run that goes on, they hold so far. */
  readonly sentence: string;
  readonly evidence: readonly Evidence[];
  /** Answers "how do you know?": which samples, how well converged, which control. */
  readonly how: string;
}

/** The parts of a session's header that verdicts depend on. */
export type VerdictHeader = Pick<SessionHeader, "train" | "probe" | "fork"> & {
  readonly channels: readonly Pick<StreamDescriptor, "name">[];
};

/** Is it a stream that this run does not measure at all? */
export function isLeftOut(channel: string, { channels }: VerdictHeader): boolean {
  return channels.every(({ name }) => name !== channel);
}

/** One verdict in the making: constant memory, however long the run. */
export interface Judge {
  /** Takes the next sample of one of its channels, in the order of the log, value decoded. */
  observe(sample: Sample): void;
  verdict(state: SessionState): Verdict;
}

export interface JudgeDefinition {
  readonly channels: readonly string[];
  start(header: VerdictHeader): Judge;
}

/** What "at the edge" means, for λ₁ and for batch sharpness: ratio to the threshold, and for how many measurements in a row. */
export const EDGE_BAND = { from: 0.9, to: 1.2, measurements: 10 } as const;
/** A rise below this share of the loss may be float32 rounding: measured noise is 4e-7. */
export const ROUNDING = 1e-6;

export function isOver(state: SessionState): boolean {
  return state === "ended" || state === "diverged";
}

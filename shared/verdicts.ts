/** From samples to verdicts: the sentences under the title, with the evidence for each. The same for the dashboard, the bench and the docs. */
import type { SessionState } from "./header.ts";
import type { Sample } from "./stream.ts";
import { catapult } from "./verdicts/catapult.ts";
import { distanceTravelled } from "./verdicts/distance.ts";
import { diverged } from "./verdicts/diverged.ts";
import { edgeOfStability } from "./verdicts/edge-of-stability.ts";
import { lineMonotone } from "./verdicts/line-monotone.ts";
import { pathMonotone } from "./verdicts/path-monotone.ts";
import type { JudgeDefinition, Verdict, VerdictHeader } from "./verdicts/verdict.ts";

export type { Evidence, Verdict, VerdictHeader } from "./verdicts/verdict.ts";

/** In the order in which they are shown. */
const JUDGES: readonly JudgeDefinition[] = [
  edgeOfStability,
  pathMonotone,
  lineMonotone,
  catapult,
  distanceTravelled,
  diverged,
];

/** Samples of other channels are passed over. */
export const VERDICT_CHANNELS: readonly string[] = [...new Set(JUDGES.flatMap(({ channels }) => channels))];

export interface Verdicts {
  /** Takes the next sample, in the order of the log, its value decoded (NaN as a number). @cost constant. */
  observe(sample: Sample): void;
  /** What the samples so far amount to. @cost constant: independent of their number. */
  verdicts(state: SessionState): readonly Verdict[];
}

/** Verdicts that grow with a session; to go back in time, start again from its first sample. Constant memory. */
export function createVerdicts(header: VerdictHeader): Verdicts {
  const judges = JUDGES.map(({ channels, start }) => ({ channels, judge: start(header) }));
  return {
    observe(sample) {
      for (const { channels, judge } of judges) if (channels.includes(sample.channel)) judge.observe(sample);
    },
    verdicts: (state) => judges.map(({ judge }) => judge.verdict(state)),
  };
}

/** Verdicts on a finished list of samples. */
export function verdictsOf(
  header: VerdictHeader,
  samples: Iterable<Sample>,
  state: SessionState,
): readonly Verdict[] {
  const verdicts = createVerdicts(header);
  for (const sample of samples) verdicts.observe(sample);
  return verdicts.verdicts(state);
}

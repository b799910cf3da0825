/** What a panel says while it has nothing to draw. */
import { isDue, isLogged } from "../../shared/schedule.ts";
import type { Cadence } from "../../shared/stream.ts";
import { formatStep } from "../data/formats.ts";
import type { Panel, Scene } from "../panels/panel.ts";

/** Names the step of the first measurement, where the schedule knows it and it is still to come. */
export function waitingFor({ streams }: Pick<Panel, "streams">, { header, state, history }: Scene): string {
  if (state === "ended" || state === "diverged") return "Not measured in this session";
  const cadences = header.channels.filter(({ name }) => streams.includes(name)).map(({ cadence }) => cadence);
  const start = header.fork?.step ?? 0;
  const firsts = cadences.flatMap((cadence) => firstDue(cadence, start, header.steps));
  if (firsts.length === 0) return "Waiting for data";
  const first = Math.min(...firsts);
  return `Waiting for the first measurement${first > history.headStep ? `, at step ${formatStep(first)}` : ""}`;
}

/** The first step from `start` on at which a stream of this cadence is measured; none for those that follow no schedule. */
function firstDue(cadence: Cadence, start: number, lastStep: number): readonly number[] {
  if (cadence.kind !== "scheduled" && cadence.kind !== "sparse") return [];
  const { every } = cadence;
  const isMeasured = cadence.kind === "scheduled" ? isDue : isLogged;
  let step = start;
  while (step < lastStep && !isMeasured(step, every, lastStep)) step++;
  return [step];
}

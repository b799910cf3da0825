/** Which streams a run has: what nobody wants, and what is too dear, is left out and named, before it fails or holds everything up. */
import type { RunConfig } from "../training/config.ts";
import { presetNamed } from "../training/presets.ts";
import type { RunFacts } from "../training/run.ts";
import { type CostsMs, measurementMs } from "./intervals.ts";
import type { PlannedStream } from "./messages.ts";

export interface LeftOut {
  readonly stream: string;
  readonly isWanted: boolean;
  /** One sentence: what it would cost, and what was allowed; or that it was not wanted. */
  readonly message: string;
}

/** What one measurement may hold beside the network. */
const MEMORY_BYTES = 2 ** 30;
/** What one sparse measurement may take: this long in any run, or this share of what the run's bare steps take. */
const MEASUREMENT_MS = 3000;
const SHARE_OF_RUN = 0.05;

/**
 * By memory for every stream: nothing can be done about D. By time for sparse streams alone, and not for those whose interval is given:
 * who asks for them by name knows what they cost. A preset's intervals are no such question; they were chosen for its own network.
 */
export function affordable(
  planned: readonly PlannedStream[],
  costs: CostsMs,
  { config, facts }: { readonly config: RunConfig; readonly facts: Pick<RunFacts, "parameters"> },
): { readonly planned: readonly PlannedStream[]; readonly leftOut: readonly LeftOut[] } {
  const leftOut = planned.flatMap((stream): LeftOut[] => {
    const { name, scheduleKey, isSparse, memoryBytes } = stream;
    const unwanted = config.without.find((one) => one === name || one === scheduleKey);
    if (unwanted !== undefined)
      return [{ stream: name, isWanted: false, message: `${name} is left out: --without ${unwanted}` }];
    if (memoryBytes > MEMORY_BYTES) {
      const message = `${name} is left out: a measurement would hold ${gibi(memoryBytes)} beside the network, more than ${gibi(MEMORY_BYTES)}`;
      return [{ stream: name, isWanted: true, message }];
    }
    if (!isSparse || scheduleKey === null || isAskedFor(config, [name, scheduleKey])) return [];
    const ms = measurementMs(costs, layerCount(facts))[scheduleKey] ?? 0;
    const runMs = config.steps * costs.step;
    if (ms <= Math.max(MEASUREMENT_MS, SHARE_OF_RUN * runMs)) return [];
    const message = `${name} is left out: a measurement would take ${seconds(ms)}, the steps of the run ${seconds(runMs)}; --every ${scheduleKey}=<k> asks for it all the same`;
    return [{ stream: name, isWanted: true, message }];
  });
  const names = new Set(leftOut.map(({ stream }) => stream));
  return { planned: planned.filter(({ name }) => !names.has(name)), leftOut };
}

function isAskedFor({ preset, every }: RunConfig, keys: readonly string[]): boolean {
  const assumed: RunConfig["every"] = presetNamed(preset ?? "")?.settings.every ?? {};
  return keys.some((key) => every[key] !== undefined && every[key] !== assumed[key]);
}

/** Layers that have parameters. */
export function layerCount({ parameters }: Pick<RunFacts, "parameters">): number {
  return new Set(parameters.map(({ layer }) => layer)).size;
}

function gibi(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toPrecision(2)} s`;
}

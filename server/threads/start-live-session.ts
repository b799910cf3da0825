/** How a run begins: threads opened, costs measured, log begun, and only then the first step. */
import { join } from "node:path";
import { recordingFileName } from "../recording/file-name.ts";
import type { OpenLogFile } from "../recording/log-file-handle.ts";
import { type LogKeeping, SessionLog } from "../session/log.ts";
import { expectWritable } from "../session/log-folder.ts";
import type { RunConfig, RunSettings } from "../training/config.ts";
import { expectFiles } from "../training/data/load-dataset.ts";
import type { Fork } from "../training/fork.ts";
import type { Blueprint } from "../training/run.ts";
import { affordable, layerCount } from "./affordable.ts";
import { expectStreams } from "./expected-streams.ts";
import { type CostsMs, chooseIntervals, chooseWeightsEvery } from "./intervals.ts";
import { LiveSession, type Threads } from "./live-session.ts";
import type { PlannedStream } from "./messages.ts";
import { backendSentence, type Schedule, sessionHeader } from "./session-header.ts";
import { ThreadHandle } from "./thread-handle.ts";
import { createTurns } from "./trial.ts";

/** Enough for a mean of warm steps of either kind. */
const TIMING_MS = 1500;

export interface LiveSessionOptions {
  readonly config: RunConfig;
  readonly module?: { readonly path: string; readonly settings: RunSettings } | null;
  /** Go on from a step of another session; `config` is then the fork's. */
  readonly fork?: Fork | null;
  /** Folder of recordings; with `record: false`, of the temporary log. */
  readonly folder: string;
  readonly record: boolean;
  /** How the log is kept. */
  readonly keeping?: LogKeeping;
  /** Another file system, for tests of what disks do. */
  readonly open?: OpenLogFile;
  /** Something that the person at the terminal must know: a failed disk, a bug in a thread. */
  readonly onTrouble?: (sentence: string) => void;
  /** Ends a start that is under way: nothing has been written then. */
  readonly signal?: AbortSignal;
}

/**
 * Opens the threads, measures what measuring costs, begins the log, and starts training.
 * @throws {UserError} when the run cannot begin: nothing has been written then. {RecordingError} when the log cannot be begun. The
 * signal's reason.
 */
export async function startLiveSession(options: LiveSessionOptions): Promise<LiveSession> {
  const { signal } = options;
  signal?.throwIfAborted();
  const threads = {
    training: new ThreadHandle("training"),
    geometry: new ThreadHandle("geometry"),
    curvature: new ThreadHandle("curvature"),
  };
  const dismissThreads = () => Promise.all(Object.values(threads).map((thread) => thread.terminate()));
  signal?.addEventListener("abort", dismissThreads);
  try {
    const { config, module = null, fork = null } = options;
    const training = await threads.training.open({ config, module, fork });
    const blueprint = training.blueprint as Blueprint;
    expectStreams(blueprint.config);
    const [curvature] = await Promise.all([
      threads.curvature.open({ blueprint }),
      threads.geometry.open({ blueprint }),
    ]);
    const costsMs = await timeCosts(threads);
    const { planned, leftOut } = affordable(training.streams ?? [], costsMs, blueprint);
    const schedule = scheduleOf(blueprint, planned, costsMs);
    const header = sessionHeader({ blueprint, planned, schedule, training, curvature });
    const kept = {
      ...options.keeping,
      ...(options.open === undefined ? {} : { open: options.open }),
      header,
    };
    // From here on there is something to be stopped in its own way.
    signal?.removeEventListener("abort", dismissThreads);
    signal?.throwIfAborted();
    const log = await SessionLog.create(
      options.record
        ? { ...kept, path: join(options.folder, recordingFileName(header)) }
        : { ...kept, temporary: true, folder: join(options.folder, header.id) },
    );
    const onTrouble = options.onTrouble ?? (() => {});
    const session = new LiveSession(log, threads, schedule.costsMs["step"] ?? 1, onTrouble);
    session.begin(blueprint, planned, schedule, {
      leftOut,
      backends: backendSentence(training.backend, curvature.backend),
    });
    return session;
  } catch (cause) {
    signal?.removeEventListener("abort", dismissThreads);
    await dismissThreads();
    signal?.throwIfAborted();
    throw cause;
  }
}

/**
 * What needs no thread to be refused: a folder that takes no log, streams and data that there are none of. For callers, before they begin or end anything.
 * @throws {UserError} `settings`, `dataset-missing`. @throws {RecordingError} for the folder.
 */
export async function expectStartable({
  config,
  module,
  folder,
}: Pick<LiveSessionOptions, "config" | "module" | "folder">): Promise<void> {
  await expectWritable(folder);
  if (module) return;
  expectStreams(config);
  await expectFiles(config.dataset);
}

/** Steps alone, which is what overhead is measured against, and beside the curvature thread, as they will be; geometry before them. */
async function timeCosts({ training, geometry, curvature }: Threads): Promise<CostsMs> {
  const turns = createTurns();
  const beforehand = await geometry.time(TIMING_MS, turns);
  const [steps, costs] = await Promise.all([
    training.time(TIMING_MS, turns),
    curvature.time(TIMING_MS, turns),
  ]);
  return { ...beforehand, ...costs, ...steps } as unknown as CostsMs;
}

function scheduleOf(blueprint: Blueprint, planned: readonly PlannedStream[], costsMs: CostsMs): Schedule {
  const { config, facts } = blueprint;
  const keys = new Set(planned.flatMap(({ scheduleKey }) => scheduleKey ?? []));
  const measured = planned.filter(({ role }) => role === "curvature");
  const isGiven = measured.every(
    ({ name, scheduleKey }) => name in config.every || (scheduleKey ?? "") in config.every,
  );
  // Where all is given, two runs are the same on each machine: then time has no say in θ either.
  const encoding = isGiven ? { step: costsMs.step, encode: 0 } : costsMs;
  const weights = config.weightsEvery ?? affordableWeights(blueprint, encoding, config.every["state"]);
  const intervals = chooseIntervals(costsMs, config.overhead, {
    keys,
    layers: layerCount(facts),
    weightsEvery: weights,
  });
  const { state = 1 } = intervals;
  // A fork needs both of the same step.
  const chosen: Record<string, number> = {
    ...intervals,
    weights,
    state: weights * Math.ceil(state / weights),
  };
  const everyOf = ({ name, scheduleKey, role }: PlannedStream): number => {
    if (scheduleKey === null || (role === "geometry" && scheduleKey === "path")) return 1;
    return config.every[name] ?? config.every[scheduleKey] ?? chosen[scheduleKey] ?? 1;
  };
  const scheduled = planned.filter(({ scheduleKey }) => scheduleKey !== null);
  return {
    everyOfStream: Object.fromEntries(scheduled.map((stream) => [stream.name, everyOf(stream)])),
    everyOfKey: Object.fromEntries(scheduled.map((stream) => [stream.scheduleKey ?? "", everyOf(stream)])),
    chosenBy: isGiven ? "given" : "measured",
    costsMs: Object.fromEntries(
      Object.entries(costsMs).map(([name, ms]) => [name, Math.round(ms * 1000) / 1000]),
    ),
  };
}

/** As time and budget have it; where the interval of states is given, one that divides it. */
function affordableWeights(
  { config, initial }: Blueprint,
  costsMs: Pick<CostsMs, "step" | "encode">,
  state: number | undefined,
): number {
  const { overhead, steps, recordingBudget: budgetMiB } = config;
  let every = chooseWeightsEvery(costsMs, overhead, { parameterCount: initial.length, steps, budgetMiB });
  while (state !== undefined && every < state && state % every !== 0) every++;
  return every;
}

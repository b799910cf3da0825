/**
 * Time per step relative to training alone, in the form of Cockpit's own benchmark (Schneider et al. 2021, arXiv:2102.06604, figure 6):
 * schedules × presets. The mapping of its quantities to streams is in docs/benchmarks.md.
 */
import { take } from "rxjs";
import { openBackend } from "../server/backends/select.ts";
import type { RunSettings } from "../server/training/config.ts";
import { train } from "../server/training/from-settings.ts";
import { format, type Measurement, ratioOf } from "./harness.ts";
import { SCHEDULED, withSession } from "./live.ts";
import { samples } from "./samples.ts";

const NETWORKS = { "mnist-mlp": "classic", "mnist-mlp-200x200": "fc-199k" } as const;
const INTERVALS = [1, 4, 16, 64, 256];
const ECONOMY = ["directional", "noise-scale"];
const BUSINESS = [...ECONOMY, "density"];
const PRESETS = { economy: ECONOMY, business: BUSINESS, full: [...BUSINESS, "hessian"] } as const;
const DEFAULT = "default";
const BACKENDS = ["wasm", "onnx"] as const;
const ROUNDS = 3;
/** For the whole table, which takes over an hour otherwise. */
const SINGLE = "once";
/** Cockpit records no θ; here the interval is what a recording's budget allows in a run of some thousand steps. */
const WEIGHTS_EVERY = 20;
/** Of a channel whose pace counts. */
const LEAST_MEASURED = 2;
/** Intervals: before the window, and in it. */
const SETTLED = 4;
const MEASURED = 12;
/** Steps, at least: before, the threads' code is still being compiled, and fewer last too short a time. */
const WARM_STEPS = 500;
const WINDOW_STEPS = 1000;
/** From this interval on, a dense beginning comes before the first measurement that counts. */
const DENSE = 4;
/** Of one run, twice as long from {@link DENSE} on. Where measurements hold training up, its window does not end before. */
const MOST_MS = { "mnist-mlp": 15_000, "mnist-mlp-200x200": 40_000 } as const;
/** The same, of the default schedule. */
const MOST_DEFAULT_MS = 240_000;

/**
 * @param words  networks, presets, intervals and backends to measure; all of a kind of which none is named. `once`: a single round.
 * @param measured  told of each as soon as it is there.
 */
export async function cockpit(
  words: readonly string[],
  measured: (measurement: Measurement) => void,
): Promise<Cell[]> {
  const presets = [...Object.keys(PRESETS), DEFAULT];
  const known = [...Object.keys(NETWORKS), ...presets, ...INTERVALS.map(String), ...BACKENDS, SINGLE];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) throw new Error(`cockpit: expected ${known.join(", ")}, got "${unknown}"`);
  const chosen = <T extends string | number>(all: readonly T[]): readonly T[] => {
    const named = all.filter((one) => words.includes(String(one)));
    return named.length === 0 ? all : named;
  };
  const rounds = words.includes(SINGLE) ? 1 : ROUNDS;
  const cells: Cell[] = [];
  for (const network of chosen(Object.keys(NETWORKS) as (keyof typeof NETWORKS)[]))
    for (const backend of chosen(BACKENDS)) {
      const base: RunSettings = { preset: NETWORKS[network], backend };
      for (const preset of chosen(presets))
        for (const interval of preset === DEFAULT ? [null] : chosen(INTERVALS)) {
          const schedule = scheduleOf(preset, interval, MOST_MS[network]);
          const name = `${network}, ${backend}: ${preset}${interval === null ? " schedule" : `, every ${interval}`}`;
          const measurement = await relative(name, { ...base, ...schedule.settings }, schedule, rounds);
          cells.push({ network, backend, preset, interval, measurement });
          measured(measurement);
        }
    }
  return cells;
}

/** In the form of Cockpit's figure 6: presets by intervals, for each network and backend. */
export function printCells(cells: readonly Cell[]): void {
  const headingOf = ({ network, backend }: Cell) => `${network}, ${backend}`;
  for (const heading of new Set(cells.map(headingOf))) {
    const group = cells.filter((cell) => headingOf(cell) === heading);
    const intervals = [...new Set(group.map(({ interval }) => interval))];
    const row = (first: string, rest: readonly string[]) =>
      console.log(`| ${[first, ...rest].join(" | ")} |`);
    console.log();
    row(
      heading,
      intervals.map((interval) => (interval === null ? "its own" : `every ${interval}`)),
    );
    row(
      "---",
      intervals.map(() => "---"),
    );
    for (const preset of new Set(group.map((cell) => cell.preset))) {
      const found = intervals.map((interval) =>
        group.find((cell) => cell.preset === preset && cell.interval === interval),
      );
      row(
        preset,
        found.map((cell) =>
          cell?.measurement.ratio === undefined ? "" : format(cell.measurement.ratio.value),
        ),
      );
    }
  }
}

/** Of the table: time per step, and relative to training alone. */
export interface Cell {
  readonly network: string;
  readonly backend: string;
  readonly preset: string;
  /** null: Thalweg's own schedule. */
  readonly interval: number | null;
  readonly measurement: Measurement;
}

interface Schedule {
  readonly settings: Pick<RunSettings, "every" | "without" | "weightsEvery">;
  /** Steps between which training's pace is taken. */
  readonly from: number;
  readonly to: number;
  /** null: Thalweg's own. */
  readonly interval: number | null;
  /** Channels that are measured at it. */
  readonly channels: readonly string[];
  readonly mostMs: number;
}

function scheduleOf(preset: string, interval: number | null, mostMs: number): Schedule {
  // The schedule begins densely, at powers of two, which takes a dozen measurements that no later step has to pay for.
  if (interval === null)
    return { settings: {}, from: 8000, to: 12_000, interval, channels: [], mostMs: MOST_DEFAULT_MS };
  const wanted: readonly string[] = PRESETS[preset as keyof typeof PRESETS];
  const keys = new Set(SCHEDULED.flatMap(({ scheduleKey }) => scheduleKey ?? []));
  const from = Math.max(WARM_STEPS, SETTLED * interval);
  return {
    settings: {
      every: Object.fromEntries(wanted.map((key) => [key, interval])),
      without: [...keys].filter((key) => !wanted.includes(key)),
      weightsEvery: WEIGHTS_EVERY,
    },
    from,
    to: from + Math.max(WINDOW_STEPS, MEASURED * interval),
    interval,
    channels: SCHEDULED.filter(({ scheduleKey }) => wanted.includes(scheduleKey ?? "")).map(
      ({ descriptor }) => descriptor.name,
    ),
    mostMs: interval < DENSE ? mostMs : 2 * mostMs,
  };
}

async function relative(
  name: string,
  settings: RunSettings,
  schedule: Schedule,
  rounds: number,
): Promise<Measurement> {
  const values = new Map<string, number[]>([
    ["bare", []],
    ["watched", []],
  ]);
  for (let round = 0; round < rounds; round++) {
    values.get("bare")?.push(await bareMs(settings, schedule));
    values.get("watched")?.push(await watchedMs(settings, schedule));
  }
  const target = schedule.interval === null ? "≤ 1.05" : "";
  const ratio = { to: "training alone", value: ratioOf(values, "watched", "bare"), target };
  return { name, unit: "ms/step", rounds: values.get("watched") ?? [], ratio };
}

/** In ms a step, over as many steps as take a second or two. */
async function bareMs(settings: RunSettings, window: Schedule): Promise<number> {
  await openBackend(settings.backend ?? "auto", { allowNative: false });
  const steps = Math.min(window.to, 1500);
  const run = await train({ ...settings, steps });
  const marks = await new Promise<number[]>((resolve, reject) => {
    const times: number[] = [];
    run.steps$.pipe(take(steps + 1)).subscribe({
      next: () => times.push(performance.now()),
      error: reject,
      complete: () => resolve(times),
    });
  });
  run.dispose();
  const from = Math.min(window.from, steps >> 1);
  return ((marks[steps] ?? Number.NaN) - (marks[from] ?? 0)) / (steps - from);
}

/**
 * In ms a step, by the log's times. As many as 32 due steps may wait for their measurement: until then training runs ahead of what the long
 * run allows, which is no faster than the slowest channel's measurements. The slower of the two paces is the answer; NaN where there is none.
 */
function watchedMs(settings: RunSettings, schedule: Schedule): Promise<number> {
  const { from, to, interval, channels, mostMs } = schedule;
  return withSession({ ...settings, steps: to }, true, async (session) => {
    const timer = setTimeout(() => void session.stop(), mostMs);
    await session.ended;
    clearTimeout(timer);
    const losses = await samples<number>(session, "train/loss");
    const measured = await Promise.all(
      channels.map(async (channel) => {
        const all = await samples<unknown>(session, channel);
        // The first is not warm yet, and the last goes on further than others. What is measured once training is over counts: training that
        // has to wait takes no core either.
        const steady = all.filter(({ step }) => step >= (interval ?? 1) && step < to);
        return steady.length < LEAST_MEASURED ? Number.NaN : paceOf(steady);
      }),
    );
    const inWindow = losses.filter(({ step }) => step >= from);
    const trained = (inWindow.at(-1)?.step ?? 0) < (from + to) / 2 ? Number.NaN : paceOf(inWindow);
    const paces = [trained, ...measured].filter(Number.isFinite);
    return paces.length === 0 ? Number.NaN : Math.max(...paces);
  });
}

/** Milliseconds from the first sample to the last, a step. */
function paceOf(found: readonly { readonly step: number; readonly wallTimeMs: number }[]): number {
  const [first, last] = [found[0], found.at(-1)];
  if (first === undefined || last === undefined) return Number.NaN;
  return (last.wallTimeMs - first.wallTimeMs) / (last.step - first.step);
}

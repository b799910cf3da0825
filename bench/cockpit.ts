/**
 * Time per step relative to training alone, in the form of Cockpit's own benchmark (Schneider et al. 2021, arXiv:2102.06604, figure 6):
 * schedules × presets. The mapping of its quantities to streams is in docs/benchmarks.md.
 */
import { take } from "rxjs";
import { openBackend } from "../server/backends/select.ts";
import { streams } from "../server/streams/index.ts";
import type { RunSettings } from "../server/training/config.ts";
import { train } from "../server/training/from-settings.ts";
import { type Measurement, ratioOf } from "./harness.ts";
import { withSession } from "./live.ts";
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
const NEVER = 1_000_000;
/** Where there are so many intervals behind it, the pace is that of the long run: many measurements may wait, and do. */
const SETTLED = 12;
const MEASURED = 12;
/** Of one run. What is slower is left before its window ends, if it has come half as far; else it has no figure. */
const MOST_MS = 20_000;
/** The same, of the default schedule. */
const MOST_DEFAULT_MS = 120_000;

/** @param words  networks, presets, intervals and backends to measure; all of a kind of which none is named. `once`: a single round. */
export async function cockpit(words: readonly string[]): Promise<Measurement[]> {
  const presets = [...Object.keys(PRESETS), DEFAULT];
  const known = [...Object.keys(NETWORKS), ...presets, ...INTERVALS.map(String), ...BACKENDS, SINGLE];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) throw new Error(`cockpit: expected ${known.join(", ")}, got "${unknown}"`);
  const chosen = <T extends string | number>(all: readonly T[]): readonly T[] => {
    const named = all.filter((one) => words.includes(String(one)));
    return named.length === 0 ? all : named;
  };
  const rounds = words.includes(SINGLE) ? 1 : ROUNDS;
  const measurements: Measurement[] = [];
  for (const network of chosen(Object.keys(NETWORKS) as (keyof typeof NETWORKS)[]))
    for (const backend of chosen(BACKENDS)) {
      const base: RunSettings = { preset: NETWORKS[network], backend };
      for (const preset of chosen(presets))
        for (const interval of preset === DEFAULT ? [null] : chosen(INTERVALS)) {
          const schedule =
            interval === null ? {} : { every: scheduleOf(preset as keyof typeof PRESETS, interval) };
          const window = windowOf(interval);
          const name = `${network}, ${backend}: ${preset}${interval === null ? " schedule" : `, every ${interval}`}`;
          measurements.push(await relative(name, { ...base, ...schedule }, window, rounds));
        }
    }
  return measurements;
}

interface Window {
  readonly from: number;
  readonly to: number;
}

function windowOf(interval: number | null): Window {
  // The schedule begins densely, at powers of two, which takes a dozen measurements that no later step has to pay for.
  if (interval === null) return { from: 8000, to: 12_000 };
  const from = Math.max(64, SETTLED * interval);
  return { from, to: from + Math.max(64, MEASURED * interval) };
}

function scheduleOf(preset: keyof typeof PRESETS, interval: number): Record<string, number> {
  const keys: readonly string[] = PRESETS[preset];
  return Object.fromEntries(
    streams.flatMap(({ scheduleKey, descriptor }) =>
      scheduleKey === null || descriptor.cadence.kind === "logged"
        ? []
        : [[scheduleKey, keys.includes(scheduleKey) ? interval : NEVER]],
    ),
  );
}

async function relative(
  name: string,
  settings: RunSettings,
  window: Window,
  rounds: number,
): Promise<Measurement> {
  const values = new Map<string, number[]>([
    ["bare", []],
    ["watched", []],
  ]);
  for (let round = 0; round < rounds; round++) {
    values.get("bare")?.push(await bareMs(settings, window));
    values.get("watched")?.push(await watchedMs(settings, window));
  }
  const target = settings.every === undefined ? "≤ 1.05" : "";
  const ratio = { to: "training alone", value: ratioOf(values, "watched", "bare"), target };
  return { name, unit: "ms/step", rounds: values.get("watched") ?? [], ratio };
}

/** In ms a step, over as many steps as take a second or two. */
async function bareMs(settings: RunSettings, window: Window): Promise<number> {
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

/** In ms a step, by the log's times; NaN where the window was not reached. */
function watchedMs(settings: RunSettings, { from, to }: Window): Promise<number> {
  return withSession({ ...settings, steps: to }, true, async (session) => {
    const mostMs = settings.every === undefined ? MOST_DEFAULT_MS : MOST_MS;
    const timer = setTimeout(() => void session.stop(), mostMs);
    await session.ended;
    clearTimeout(timer);
    const losses = await samples<number>(session, "train/loss");
    const last = losses.at(-1);
    const first = losses.find(({ step }) => step === from);
    if (last === undefined || first === undefined || last.step < (from + to) / 2) return Number.NaN;
    return (last.wallTimeMs - first.wallTimeMs) / (last.step - from);
  });
}

/** Does each preset still show what its description says? Its numbers, over three seeds. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Session } from "../server/session/session.ts";
import { startLiveSession } from "../server/threads/start-live-session.ts";
import type { RunSettings } from "../server/training/config.ts";
import { PRESETS, presetNamed } from "../server/training/presets.ts";
import { resolveSettings } from "../server/training/resolve.ts";
import { UserError } from "../server/training/user-error.ts";
import type {
  BatchSharpness,
  HessianEigenvalues,
  LineProfile,
  PathMonotonicity,
  PreconditionedEigenvalues,
} from "../shared/readings.ts";
import { type Sampled, samples } from "./samples.ts";

const SEEDS = [1, 2, 3];
/** What says nothing of a preset's picture is measured at both ends alone. */
const SELDOM = { density: 100_000, "per-layer": 100_000, "gauss-newton": 100_000 };
/** Of the presets that meet the threshold: often enough to see where, and for a mean that does not depend on the machine. */
const OFTEN = { hessian: 25, preconditioned: 25, "batch-sharpness": 25 };

/** @param names  presets to run; all when empty. @param backend  that trains and measures. */
export async function presets(
  names: readonly string[],
  backend: RunSettings["backend"] = "auto",
): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for (const { name } of PRESETS.filter((preset) => names.length === 0 || names.includes(preset.name))) {
    for (const seed of SEEDS) {
      const measured = await measure(name, seed, backend).catch((cause: unknown) => {
        if (cause instanceof UserError) return { problem: cause.message };
        throw cause;
      });
      const row = { preset: name, seed, ...measured };
      console.log(JSON.stringify(row));
      rows.push(row);
    }
  }
  return rows;
}

async function measure(
  preset: string,
  seed: number,
  backend: RunSettings["backend"],
): Promise<Record<string, unknown>> {
  const resolved = resolveSettings({
    preset,
    seed,
    backend,
    every: { ...SELDOM, ...(presetNamed(preset)?.settings.every === undefined ? {} : OFTEN) },
  });
  if (!resolved.ok) throw new Error(resolved.problems.join("; "));
  const folder = await mkdtemp(join(tmpdir(), "thalweg-presets-"));
  const session = await startLiveSession({ config: resolved.config, folder, record: true });
  try {
    await new Promise<void>((resolve) => {
      session.status$.subscribe({
        next: ({ state }) => {
          if (state === "diverged" || state === "ended") resolve();
        },
      });
    });
    await session.stop();
    return await figures(session);
  } finally {
    await session.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function figures(session: Session): Promise<Record<string, unknown>> {
  const losses = await samples<number>(session, "path/loss");
  const trainLosses = await samples<number>(session, "train/loss");
  const spectra = await samples<HessianEigenvalues>(session, "hessian/eigenvalues");
  const lines = await samples<LineProfile>(session, "line/profile");
  const paths = await samples<PathMonotonicity>(session, "path/monotonicity");
  const ratios = spectra.flatMap(({ step, value }) =>
    value.ratio === null ? [] : [{ step, ratio: value.ratio }],
  );
  const lastQuarter = ratios.filter(({ step }) => step >= 0.75 * session.header.steps);
  const full = session.header.train.fullBatch;
  const ups = losses.filter(
    ({ value }, i) => i > 0 && value > (losses[i - 1]?.value ?? Number.POSITIVE_INFINITY),
  );
  const verdict = lines.findLast(({ value }) => value.carriesVerdict)?.value;
  const sharpness = await samples<BatchSharpness>(session, "hessian/batch-sharpness");
  const batchRatios = sharpness
    .filter(({ step }) => step >= 0.75 * session.header.steps)
    .flatMap(({ value }) => value.ratio ?? []);
  const accuracies = await samples<number>(session, "eval/test-accuracy");
  return {
    backend: session.header.backend,
    endedAtStep: session.status.step,
    finalTrainLoss: trainLosses.at(-1)?.value,
    finalTestAccuracy: accuracies.at(-1)?.value,
    ratioAtStart: ratios[0]?.ratio,
    smallestRatio: Math.min(...ratios.map(({ ratio }) => ratio)),
    largestRatio: Math.max(...ratios.map(({ ratio }) => ratio)),
    largestRatioAtStep: ratios.reduce(
      (best, each) => (each.ratio > best.ratio ? each : best),
      ratios[0] ?? { step: -1, ratio: 0 },
    ).step,
    crossesOneAtStep:
      ratios.find(({ step, ratio }, i) => ratio >= 1 && i > 0 && (ratios[i - 1]?.ratio ?? 1) < 1 && step > 0)
        ?.step ?? null,
    meanRatioOfLastQuarter: meanOf(lastQuarter.map(({ ratio }) => ratio)),
    ...preconditionedFigures(
      await samples<PreconditionedEigenvalues>(session, "hessian/preconditioned"),
      spectra,
    ),
    ...(batchRatios.length === 0 ? {} : { batchSharpnessRatioOfLastQuarter: meanOf(batchRatios) }),
    ...(full ? { upSteps: ups.length, firstUpStep: ups[0]?.step ?? null } : {}),
    pathDrawUp: paths.at(-1)?.value.drawUp,
    lineDrawUp: verdict?.drawUp,
    linePoints: verdict?.alphas.length,
  };
}

/** Adam's own ratio, and as the control λ₁ itself against gradient descent's 2/η: it has no reason to stay there. */
function preconditionedFigures(
  measured: readonly Sampled<PreconditionedEigenvalues>[],
  spectra: readonly Sampled<HessianEigenvalues>[],
): Record<string, unknown> {
  if (measured.length === 0) return {};
  const last = measured.at(-1)?.step ?? 0;
  const late = measured.filter(({ step }) => step >= 0.75 * last).map(({ value }) => value.ratio);
  const below = measured.findIndex(({ value }) => value.ratio < 1);
  const plain = spectra.map(({ step, value: { top, eta } }) => ({
    step,
    ratio: ((top[0]?.value ?? Number.NaN) * eta) / 2,
  }));
  const latePlain = plain.filter(({ step }) => step >= 0.75 * last).map(({ ratio }) => ratio);
  return {
    preconditionedRatioAtStart: measured[0]?.value.ratio,
    preconditionedFirstBelowAtStep: measured[below]?.step ?? null,
    preconditionedSmallestRatio: Math.min(...measured.map(({ value }) => value.ratio)),
    preconditionedBackAtStep:
      below < 0 ? null : (measured.slice(below).find(({ value }) => value.ratio >= 1)?.step ?? null),
    preconditionedRatioOfLastQuarter: { mean: meanOf(late), ...rangeOf(late), measurements: late.length },
    plainOverTwoByEtaAtStart: plain[0]?.ratio,
    plainOverTwoByEta: rangeOf(plain.map(({ ratio }) => ratio)),
    plainOverTwoByEtaOfLastQuarter: { mean: meanOf(latePlain), ...rangeOf(latePlain) },
  };
}

function rangeOf(values: readonly number[]) {
  return { from: Math.min(...values), to: Math.max(...values) };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

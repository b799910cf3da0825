/** `thalweg hessian <recording | weights | model>`: the spectrum at one θ. */
import { setImmediate } from "node:timers/promises";
import { count, whole } from "../../shared/number-words.ts";
import type { HessianDensity } from "../../shared/readings.ts";
import { stabilityThreshold } from "../../shared/thresholds.ts";
import { completeTop } from "../numerics/complement.ts";
import { type Eigenpair, extremalEigenpairs } from "../numerics/lanczos.ts";
import { createRandom } from "../numerics/random.ts";
import { norm } from "../numerics/vector.ts";
import { DENSITY_DEFAULTS, densityOf } from "../streams/hessian-density.ts";
import { hessianOperator } from "../streams/symmetric-operator.ts";
import { selectExamples } from "../training/data/examples.ts";
import { openRun } from "../training/open-run.ts";
import { UserError } from "../training/user-error.ts";
import { denseSpectrum, MOST_DENSE } from "../verify/dense.ts";
import { Inputs } from "../verify/inputs.ts";
import { readNetwork } from "../verify/network.ts";
import { Objective64 } from "../verify/objective.ts";
import { type HessianSource, openSource, type SourceFlags } from "./hessian-source.ts";
import { type ProgressLine, progressLine } from "./progress.ts";
import { decimal } from "./quantities.ts";

interface HessianFlags extends SourceFlags {
  readonly top?: string;
  readonly bottom?: string;
  readonly json?: boolean;
  readonly exact?: boolean;
  readonly density?: boolean;
}

const TOLERANCE = 1e-3;
/** Near zero the spectrum is a dense bulk, whose edge takes many products more. */
const BOTTOM_TOLERANCE = 1e-2;
const MOST_PRODUCTS = 300;
/** Of each look for eigenvalues that the start has missed. */
const LOOK_PRODUCTS = 64;

export async function hessianCommand(which: string, flags: HessianFlags): Promise<void> {
  const counts = { top: readCount("top", flags.top), bottom: readCount("bottom", flags.bottom) };
  const progress = progressLine();
  progress.show("reading the data");
  const source = await openSource(which, flags);
  if (flags.exact === true) expectSmall(source.theta.length);
  const measured = measure(source, counts, flags.density === true, progress);
  const exact = flags.exact === true ? await exactly(source, progress) : null;
  progress.clear();
  const { path } = source;
  const answer = { source: path, ...measured, ...(exact === null ? {} : { exact: [...exact] }) };
  console.log(
    flags.json === true ? JSON.stringify(answer, null, 2) : sentences(path, measured, exact).join("\n"),
  );
}

function readCount(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const number = decimal(text);
  if (Number.isSafeInteger(number) && number >= 0 && number <= MOST_PRODUCTS / 2) return number;
  throw new UserError(
    "settings",
    `${name}: expected a whole number from 0 to ${MOST_PRODUCTS / 2}, got ${JSON.stringify(text)}`,
  );
}

function expectSmall(size: number): void {
  if (size <= MOST_DENSE) return;
  throw new UserError("too-big", `exact: expected at most ${MOST_DENSE} weights, got ${size}`);
}

/** By Lanczos on the probe, as hessian/eigenvalues has it, from cold starts. */
function measure(
  { blueprint, theta, step, eta, backend, ownLoss }: HessianSource,
  counts: { readonly top: number | null; readonly bottom: number | null },
  withDensity: boolean,
  progress: ProgressLine,
) {
  const { config, facts } = blueprint;
  const run = openRun(blueprint, backend, ownLoss);
  const linearised = run.objective.linearise(theta);
  const n = theta.length;
  const top = Math.min(n, counts.top ?? run.classes + 2);
  const bottom = Math.min(n - top, counts.bottom ?? 2);
  if (top + bottom === 0)
    throw new UserError("settings", "top and bottom: expected at least one eigenvalue, got none");
  const { probes, lanczosSteps } = DENSITY_DEFAULTS;
  let most = Math.min(n, MOST_PRODUCTS) + (withDensity ? probes * lanczosSteps : 0);
  let products = 0;
  const hessian = hessianOperator(linearised);
  const product = (v: Float32Array) => {
    progress.show(`product ${++products} of at most ${most}`);
    return hessian.apply(v);
  };
  const random = createRandom(config.seeds.vectors).stream("hessian");
  try {
    const found = extremalEigenpairs(product, {
      n,
      top,
      bottom,
      start: random.fillSigns(new Float32Array(n)),
      tolerance: TOLERANCE,
      bottomTolerance: BOTTOM_TOLERANCE,
      maxApplications: Math.min(n, MOST_PRODUCTS),
    });
    const complete = completeTop(product, found.top, {
      start: (look) => {
        most += Math.min(n, LOOK_PRODUCTS);
        return random.stream(`look ${look}`).fillSigns(new Float32Array(n));
      },
      tolerance: TOLERANCE,
      maxApplications: LOOK_PRODUCTS,
    });
    const hvps = products;
    const density = withDensity
      ? densityOf({ size: n, apply: product }, run.objective.size, {
          ...DENSITY_DEFAULTS,
          random: random.stream("density"),
          found: complete,
        })
      : null;
    const { threshold, rule } = stabilityThreshold({ ...config, isFullBatch: run.isFullBatch }, eta);
    const sharpness = complete[0]?.value ?? null;
    const shown = ({ value, residual, converged }: Eigenpair) => ({
      value,
      residual,
      converged,
    });
    return {
      step,
      model: facts.modelSummary,
      lossName: facts.loss.name,
      dataset: facts.probe.dataset,
      n: run.objective.size,
      parameterCount: n,
      // Which is not the one that was opened where the model does not print.
      backend: run.backend.name,
      loss: linearised.loss,
      gradientNorm: norm(linearised.gradient),
      thetaNorm: norm(theta),
      eta,
      threshold,
      rule,
      ratio: threshold === null || sharpness === null ? null : sharpness / threshold,
      hvps,
      top: complete.map(shown),
      bottom: found.bottom.map(shown),
      density,
    };
  } finally {
    linearised.dispose();
    run.dispose();
  }
}

type Measured = ReturnType<typeof measure>;

/** All eigenvalues in float64, descending, without the engine. */
async function exactly({ blueprint, theta }: HessianSource, progress: ProgressLine): Promise<Float64Array> {
  const network = readNetwork(blueprint.facts);
  if (!network.ok) throw new UserError("no-float64", `exact: ${network.why}`);
  const { inputs, targets, size } = selectExamples(blueprint.train, blueprint.probe);
  const objective = new Objective64(network.network, { inputs: new Inputs(inputs, size), targets }, theta);
  return denseSpectrum(objective, async (column) => {
    progress.show(`column ${column + 1} of ${theta.length}`);
    await setImmediate();
  });
}

function sentences(path: string, measured: Measured, exact: Float64Array | null): string[] {
  const { step, model, lossName, dataset, n, parameterCount, backend, hvps, top, bottom } = measured;
  const { loss, gradientNorm, thetaNorm, eta, threshold, rule, ratio } = measured;
  const unconverged = [...top, ...bottom].filter(({ converged }) => !converged).length;
  return [
    `${path}${step === null ? "" : `, step ${whole(step)}`}: ${model}, ${lossName}, ${count(n, "example")} of ${dataset}, ${count(parameterCount, "weight")}`,
    `loss ${short(loss)}, ‖∇L‖ ${short(gradientNorm)}, ‖θ‖ ${short(thetaNorm)}`,
    threshold === null
      ? `no stability threshold is known for this optimizer (η = ${short(eta)})`
      : `threshold ${short(threshold)} (${rule}, η = ${short(eta)})${ratio === null ? "" : `, λ₁ is ${short(ratio)} of it`}`,
    "",
    ...table(top, bottom, exact),
    "",
    `${hvps} Hessian-vector products in float32 on ${backend}, from cold starts` +
      (unconverged === 0
        ? ""
        : `; ${unconverged} of the eigenvalues have not converged, see their residuals`),
    ...(measured.density === null ? [] : [densityLine(measured.density)]),
    ...(exact === null ? [] : [distributionLine(exact)]),
  ];
}

function table(top: Measured["top"], bottom: Measured["bottom"], exact: Float64Array | null): string[] {
  const head = [
    "",
    "value",
    "residual",
    "converged",
    ...(exact === null ? [] : ["float64, all of H", "difference"]),
  ];
  const row = (
    name: string,
    { value, residual, converged }: Measured["top"][number],
    truth: number | undefined,
  ) => [
    name,
    short(value),
    residual.toExponential(1),
    converged ? "yes" : "no",
    ...(truth === undefined ? [] : [short(truth), (value - truth).toExponential(1)]),
  ];
  const rows = [
    head,
    ...top.map((pair, i) => row(`top ${i + 1}`, pair, exact?.[i])),
    ...bottom.map((pair, i) => row(`bottom ${i + 1}`, pair, exact?.[exact.length - 1 - i])),
  ];
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function densityLine(density: HessianDensity): string {
  const { trace, traceStdErr, nearZeroFraction, nearZeroStdErr, nearZeroBounds, nearZeroBelow } = density;
  const { negativeMass, hvps, probes } = density;
  if (nearZeroBelow === 0)
    return `density, from ${probes} random vectors and ${hvps} more products: every eigenvalue is zero`;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return (
    `density, from ${probes} random vectors and ${hvps} more products: trace ${short(trace)} ± ${short(traceStdErr)}, ` +
    `${percent(nearZeroFraction)} ± ${percent(nearZeroStdErr)} of all eigenvalues within ±${short(nearZeroBelow)} ` +
    `(as far as so many products tell, ${percent(nearZeroBounds[0])} to ${percent(nearZeroBounds[1])}), ` +
    `${percent(negativeMass)} below; --json has the curve`
  );
}

function distributionLine(exact: Float64Array): string {
  const trace = exact.reduce((sum, value) => sum + value, 0);
  const below = exact.filter((value) => value < 0).length;
  return `of all ${exact.length} eigenvalues ${below} are negative; their sum is ${short(trace)}`;
}

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value);
}

/** Streams on the span of the first Hessian eigenvectors: as far as the recorded residuals say which span it was. */
import type * as z from "zod/mini";
import { whole } from "../../../shared/number-words.ts";
import { isDue } from "../../../shared/schedule.ts";
import { createRandom, type Random } from "../../numerics/random.ts";
import type { Bench, CheckDefinition } from "../check.ts";
import { lanczosWork } from "../eigenpairs.ts";
import type { Evidence } from "../evidence.ts";
import { addScaled, dot, norm } from "../products.ts";
import { overlap, topSubspace } from "../shapes.ts";
import { SIGMAS } from "../tally.ts";
import { type Between, overlapBetween, TopSpace } from "../top-space.ts";

type TopSubspace = z.infer<typeof topSubspace>;

/** Of the first k recorded vectors of a step. */
async function spaceAt({ shared }: Bench, step: number, k: number): Promise<TopSpace | null> {
  const pairs = await shared.spectra.at(step);
  return pairs === null || pairs.values.length <= k ? null : new TopSpace(pairs, k);
}

/** k and converged, which follow from the eigenvalues of the same step. */
function expectCounts({ shared, evidence, tally }: Bench, step: number, k: number, converged: number): void {
  const recorded = shared.spectra.recorded(step);
  if (recorded === null) {
    tally.leave("there are no eigenvalues of the same step");
    return;
  }
  const classes = evidence.obstacle === null ? evidence.network.layers.at(-1)?.outputs : undefined;
  tally.compare(step, "k", k, Math.min(classes ?? k, recorded.top.length), 0, "exact");
  const count = recorded.top.slice(0, k).filter((pair) => pair.converged).length;
  tally.compare(step, "converged", converged, count, 0, "exact");
}

/** Of a Hessian that is zero any vectors are eigenvectors, and the first k span nothing in particular. */
function isZeroAt({ shared }: Bench, step: number, k: number): boolean {
  return (
    shared.spectra
      .recorded(step)
      ?.top.slice(0, k)
      .every(({ value }) => value === 0) === true
  );
}

function compareBetween(
  { tally }: Bench,
  step: number,
  quantity: string,
  recorded: number,
  { low, value, high }: Between,
): void {
  const tolerance = Math.max(value - low, high - value);
  tally.compare(step, quantity, recorded, value, tolerance, "residual and gap");
}

const OF_NOTHING = "of a Hessian that is zero";
const NO_SPECTRUM = "eigenvalues of the same step were not derived, or are no more than k";

export const gradientTopSubspace: CheckDefinition<TopSubspace> = {
  channel: "gradient/top-subspace",
  needsData: true,
  shape: topSubspace,
  work: lanczosWork,
  start(bench) {
    const { evidence, tally } = bench;
    let unrelated: readonly Float64Array[] = [];
    return {
      observe({ step, value }) {
        const { k, converged } = value as TopSubspace;
        expectCounts(bench, step, k, converged);
      },
      needs: (step) => [step],
      async derive({ step, value }) {
        const { gradient, noise } = (await evidence.at(step)).slope();
        const length = norm(gradient);
        // What float32 makes of a unit vector along g, and of the vectors that it is held against.
        const off = (SIGMAS * noise) / length + 2 ** -23;
        const within = ({ low, value: share, high }: Between): Between => ({
          low: low - 2 * off * Math.sqrt(low) - off * off,
          value: share,
          high: high + 2 * off * Math.sqrt(high) + off * off,
        });
        if (unrelated.length < value.k)
          unrelated = randomSpan(bench, evidence.network.layers.at(-1)?.outputs ?? 1);
        const control = unrelated
          .slice(0, value.k)
          .reduce((sum, q) => sum + (dot(q, gradient) / length) ** 2, 0);
        const either = within({ low: control, value: control, high: control });
        tally.compare(step, "control", value.control, control, either.high - control, "float32 rounding");
        if (isZeroAt(bench, step, value.k))
          return tally.expect(step, Number.isNaN(value.share), `share is ${value.share}, ${OF_NOTHING}`);
        const space = await spaceAt(bench, step, value.k);
        if (space === null) return tally.leave(`share: ${NO_SPECTRUM}`);
        const along = space.along(gradient).map((each) => each / length);
        compareBetween(bench, step, "share", value.share, within(space.share(along)));
      },
    };
  },
};

/** k random directions by the vectors' seed, orthonormal. */
function randomSpan({ evidence }: Bench, k: number): Float64Array[] {
  const n = evidence.header.parameterCount;
  const random: Random = createRandom(evidence.config.seeds.vectors).stream("gradient/top-subspace");
  const span: Float64Array[] = [];
  while (span.length < Math.min(k, n)) {
    const w = Float64Array.from(random.fillNormal(new Float32Array(n)));
    for (let pass = 0; pass < 2; pass++) for (const q of span) addScaled(-dot(q, w), q, 0, w, 0, n);
    const length = norm(w);
    span.push(w.map((value) => value / length));
  }
  return span;
}

type Overlap = z.infer<typeof overlap>;

/** Of the first measurements at or after these steps something is kept. */
const KEPT_AT = [0, 10, 100, 1000];

export const hessianOverlap: CheckDefinition<Overlap> = {
  channel: "hessian/overlap",
  needsData: true,
  shape: overlap,
  listens: ["run/status"],
  work: (evidence: Evidence) => 2 * lanczosWork(evidence),
  start(bench) {
    const { evidence, tally } = bench;
    const { steps, schedule, parameterCount } = evidence.header;
    const kept: number[] = [];
    let newest: number | null = null;
    let isDemanded = false;
    return {
      observe({ channel, step, value }) {
        if (channel === "run/status") {
          // What is measured on demand is kept by nothing, and the recording does not say which of two samples it is.
          isDemanded ||= (value as { readonly code: string }).code === "control-measure";
          return;
        }
        const { k, converged, control, previous, references } = value as Overlap;
        expectCounts(bench, step, k, converged);
        tally.follows(step, "control", control, k / parameterCount);
        const found = stepList([previous?.step ?? null, ...references.map((each) => each.step)]);
        const expected = stepList([newest, ...kept]);
        tally.expect(
          step,
          isDemanded || found === expected,
          `compares with steps ${found}, expected ${expected}`,
        );
        const isWhole = [previous, ...references].every(
          (each) => each === null || !Number.isNaN(each.overlap),
        );
        if (!isWhole || isZeroAt(bench, step, k) || !isDue(step, schedule.every["hessian"] ?? 1, steps))
          return;
        newest = step;
        const next = KEPT_AT[kept.length];
        if (next !== undefined && step >= next) kept.push(step);
      },
      needs: (step) => [step],
      async derive({ step, value: { k, previous, references } }) {
        if (isZeroAt(bench, step, k)) {
          const isNaNEach = [previous, ...references].every((each) =>
            Number.isNaN(each?.overlap ?? Number.NaN),
          );
          return tally.expect(step, isNaNEach, `overlaps are numbers, ${OF_NOTHING}`);
        }
        const now = await spaceAt(bench, step, k);
        if (now === null) return tally.leave(`overlaps: ${NO_SPECTRUM}`);
        const known = new Map<number, Between>();
        for (const then of [previous, ...references]) {
          if (then === null) continue;
          if (!evidence.holds(then.step)) {
            tally.leave("overlaps with a step whose θ is not recorded");
            continue;
          }
          let between = known.get(then.step);
          if (between === undefined) {
            const before = await spaceAt(bench, then.step, k);
            if (before === null) {
              tally.leave("overlaps with a step whose eigenvectors were not derived");
              continue;
            }
            between = overlapBetween(now, before);
            known.set(then.step, between);
          }
          compareBetween(bench, step, `overlap with step ${whole(then.step)}`, then.overlap, between);
        }
      },
    };
  },
};

const stepList = (steps: readonly (number | null)[]) =>
  steps.map((step) => (step === null ? "none" : whole(step))).join("; ");

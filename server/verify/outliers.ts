/** The outliers of a density: eigenvalues above the largest ratio between neighbours. */
import type * as z from "zod/mini";
import type { RecordedPair } from "./eigenpairs.ts";
import type { density } from "./shapes.ts";
import type { Tally } from "./tally.ts";

type Density = z.infer<typeof density>;
type Outliers = NonNullable<Density["outliers"]>;

/** Of its value: a residual below it makes an eigenvalue. */
const CONVERGED = 0.01;

/** They follow from the list in which most eigenvalues have converged: the recorded eigenvalues of the same step, or a quadrature's. */
export function checkOutliers(
  tally: Tally,
  step: number,
  { outliers, nearZeroBelow }: Pick<Density, "outliers" | "nearZeroBelow">,
  { exact, disturbed }: { readonly exact: readonly List[]; readonly disturbed: readonly List[] },
  { timesSeen, least }: { readonly timesSeen: number; readonly least: number },
): void {
  const gapOf = (list: List | undefined) => largestGap(list ?? [], nearZeroBelow);
  const known = exact
    .map((list, i) => ({ gap: gapOf(list), moved: gapOf(disturbed[i]) }))
    .flatMap(({ gap, moved }) => (gap === null ? [] : [{ ...gap, moved: moved ?? gap }]));
  const most = Math.max(...known.map(({ among }) => among));
  if (outliers === null) {
    tally.expect(step, known.length === 0, "outliers are not there");
    return;
  }
  const same = known.find(({ among, count }) => among === outliers.among && count === outliers.count);
  tally.expect(
    step,
    same !== undefined && same.among === most,
    `outliers are ${outliers.count} among ${outliers.among}, derived ${known.map(({ count, among }) => `${count} among ${among}`).join(", ") || "none"}`,
  );
  if (same === undefined) return;
  for (const key of ["lowest", "gap", "secondGap"] as const) {
    const tolerance = timesSeen * Math.abs(same.moved[key] - same[key]) + least * Math.abs(same[key]);
    tally.compare(step, `outliers.${key}`, outliers[key], same[key], tolerance, "disturbed products");
  }
}

type List = readonly Pick<RecordedPair, "value" | "residual">[];

/** The largest ratio of neighbours, of converged eigenvalues above the floor; what lies below it counts as lying there. */
function largestGap(descending: List, floor: number): Outliers | null {
  if (!(floor > 0)) return null;
  const stop = descending.findIndex(
    ({ value, residual }, i) => i + 1 === descending.length || value <= floor || residual > CONVERGED * value,
  );
  if (stop < 1) return null;
  const ratios = descending.slice(0, stop).map(({ value }, i) => {
    const below = descending[i + 1] as (typeof descending)[number];
    return value / Math.min(value, Math.max(floor, below.value + below.residual));
  });
  const at = ratios.indexOf(Math.max(...ratios));
  return {
    count: at + 1,
    lowest: descending[at]?.value as number,
    gap: ratios[at] as number,
    secondGap: Math.max(1, ...ratios.filter((_, i) => i !== at)),
    among: stop,
  };
}

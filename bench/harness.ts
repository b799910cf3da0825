/** Interleaved rounds and medians: on a shared machine, only ratios of neighbours mean anything. */

export interface Measurement {
  readonly name: string;
  readonly unit: string;
  /** One value a round. */
  readonly rounds: readonly number[];
  /** Ratio to another measurement of the same rounds: the median of the rounds' ratios. */
  readonly ratio?: { readonly to: string; readonly value: number; readonly target: string };
}

export interface Case {
  readonly name: string;
  /** Milliseconds, or whatever the suite counts. */
  run(): number | Promise<number>;
}

/** Runs every case once a round, in turn, and keeps each round apart. */
export async function interleaved(cases: readonly Case[], rounds: number): Promise<Map<string, number[]>> {
  const values = new Map<string, number[]>(cases.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of cases) values.get(name)?.push(await run());
  }
  return values;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function ratioOf(values: Map<string, number[]>, of: string, to: string): number {
  const below = values.get(to) ?? [];
  return median((values.get(of) ?? []).map((value, round) => value / (below[round] ?? Number.NaN)));
}

/** Median milliseconds of one call, over enough calls to fill some 200 ms. */
export function timed(work: () => void): number {
  const times: number[] = [];
  const beganMs = performance.now();
  while (times.length < 3 || performance.now() - beganMs < 200) {
    const callMs = performance.now();
    work();
    times.push(performance.now() - callMs);
  }
  return median(times);
}

export function printTable(title: string, measurements: readonly Measurement[]): void {
  console.log(`\n${title}`);
  const rows = [["what", "median", "range", "ratio", "target"], ...measurements.map(cells)];
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length))) ?? [];
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

/** One measurement, for suites that say each as soon as they have it. */
export function line(measurement: Measurement): string {
  return cells(measurement).filter(Boolean).join("  ");
}

function cells({ name, unit, rounds, ratio }: Measurement): string[] {
  return [
    name,
    `${format(median(rounds))} ${unit}`,
    `${format(Math.min(...rounds))} … ${format(Math.max(...rounds))}`,
    ratio === undefined ? "" : `${format(ratio.value)} × ${ratio.to}`,
    ratio?.target ?? "",
  ];
}

export function format(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);
}

/** docs/curvature-accuracy.md: for each case the bounds that the tests hold the engine to. */
import { readFileSync, writeFileSync } from "node:fs";
import type { AccuracyCase } from "./accuracy-cases.ts";
import type { Accuracy } from "./measure-accuracy.ts";

const file = new URL("../../docs/curvature-accuracy.md", import.meta.url);
const HEAD = "| layer | activation | loss |";

export const backends = ["wasm", "cpu"] as const;
export const errors = ["gradient", "hv", "gaussNewton"] as const;

/** Bounds in the order of the table's columns: for each backend ∇L, Hv, Gv. */
export type Bounds = readonly number[];
export type Measured = Readonly<Record<(typeof backends)[number], Accuracy>>;

const nameOf = ({ layer, activation, loss }: AccuracyCase) =>
  `| ${layer} | ${activation === "" ? "–" : activation} | ${loss} |`;

export function readTable(): { bounds(of: AccuracyCase): Bounds | undefined; rows: number } {
  const lines = readFileSync(file, "utf8").split("\n");
  const first = lines.findIndex((line) => line.startsWith(HEAD)) + 2;
  const rows = lines.slice(first).filter((line) => line.startsWith("|"));
  return {
    rows: rows.length,
    bounds(of) {
      const name = nameOf(of);
      const row = rows.find((line) => line.startsWith(name));
      return row?.slice(name.length).split("|").slice(0, -1).map(Number);
    },
  };
}

/** Half as much again as was measured, rounded up to 1, 2 or 5 times a power of ten, and never below 2e-7, some units in the last place of float32. */
function boundOf(measured: number): number {
  const least = Math.max(1.5 * measured, 2e-7);
  const power = 10 ** Math.floor(Math.log10(least));
  const digit = [1, 2, 5, 10].find((candidate) => candidate * power >= least * (1 - 1e-9)) as number;
  return Number((digit * power).toPrecision(1));
}

export function writeTable(rows: readonly (readonly [AccuracyCase, Measured])[]): void {
  const lines = readFileSync(file, "utf8").split("\n");
  const first = lines.findIndex((line) => line.startsWith(HEAD)) + 2;
  const after = lines.slice(first).findIndex((line) => !line.startsWith("|"));
  const table = rows.map(([of, measured]) => {
    const bounds = backends.flatMap((backend) => errors.map((error) => boundOf(measured[backend][error])));
    return `${nameOf(of)} ${bounds.map((bound) => bound.toExponential(0)).join(" | ")} |`;
  });
  lines.splice(first, after < 0 ? lines.length - first : after, ...table);
  writeFileSync(file, lines.join("\n"));
}

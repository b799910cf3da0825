/** `npm run torture [-- check …] [--full | --count <n>] [--seed <n>] [--json <file>] [--list]`: exit code 1 if anything failed. */
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import type { Check, Outcome } from "./check.ts";
import { checks } from "./index.ts";

interface Row extends Outcome {
  readonly name: string;
  readonly unit: string;
  readonly must: string;
  readonly seed: number;
  readonly seconds: number;
}

const USAGE = "torture [check …] [--full | --count <n>] [--seed <n>] [--json <file>] [--list]";

interface Order {
  readonly chosen: readonly Check[];
  readonly isListed: boolean;
  readonly seed: number;
  countOf(check: Check): number;
  readonly jsonFile: string | undefined;
}

/** @throws {TypeError} one sentence for what cannot be meant. */
function readArguments(): Order {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      full: { type: "boolean", default: false },
      count: { type: "string" },
      seed: { type: "string", default: "1" },
      json: { type: "string" },
      list: { type: "boolean", default: false },
    },
  });
  const count = values.count === undefined ? undefined : wholeNumber("count", values.count);
  return {
    chosen: named(positionals),
    isListed: values.list,
    seed: wholeNumber("seed", values.seed),
    countOf: ({ fast, full }) => count ?? (values.full ? full : fast),
    jsonFile: values.json,
  };
}

async function run({ chosen, isListed, seed, countOf, jsonFile }: Order): Promise<void> {
  if (isListed) {
    for (const { name, unit, fast, full, must } of chosen)
      console.log(`${name}: ${fast} or ${full} ${unit}; ${must}`);
    return;
  }
  const rows: Row[] = [];
  for (const check of chosen) {
    const row = await runCheck(check, countOf(check), seed);
    rows.push(row);
    printRow(row);
  }
  printTable(rows);
  if (jsonFile !== undefined) {
    const machine = `${cpus()[0]?.model} × ${cpus().length}, node ${process.versions.node}`;
    const report = { machine, at: new Date().toISOString(), rows };
    await writeFile(jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  }
  if (rows.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

/** All, or those whose names begin so. */
function named(names: readonly string[]): readonly Check[] {
  const found = names.map((wanted) => checks.filter(({ name }) => name.startsWith(wanted)));
  const missing = found.findIndex(({ length }) => length === 0);
  if (missing >= 0) {
    throw new TypeError(
      `check: expected one of ${checks.map(({ name }) => name).join(", ")}, got "${names[missing]}"`,
    );
  }
  return names.length === 0 ? checks : checks.filter((check) => found.some((group) => group.includes(check)));
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && text.trim() !== "") return value;
  throw new TypeError(`${name}: expected a whole number, got "${text}"`);
}

async function runCheck(check: Check, count: number, seed: number): Promise<Row> {
  const { name, unit, must } = check;
  const beganMs = performance.now();
  const outcome = await check.run(count, seed);
  const seconds = (performance.now() - beganMs) / 1000;
  const short = outcome.count < count && outcome.failures.length === 0;
  const failures = short
    ? [`only ${outcome.count} of ${count} ${unit} were done, and nobody says why`]
    : outcome.failures;
  return { name, unit, must, seed, seconds, ...outcome, failures };
}

function printRow({ name, count, unit, seconds, failures }: Row): void {
  const verdict = failures.length === 0 ? "held" : "FAILED";
  console.log(`${name}: ${count} ${unit} in ${seconds.toFixed(1)} s: ${verdict}`);
  for (const failure of failures) console.log(`  ${failure}`);
}

function printTable(rows: readonly Row[]): void {
  console.log("\n| check | count | seed | must be | failures | figures |\n|---|---|---|---|---|---|");
  for (const { name, count, unit, seed, must, failures, figures } of rows) {
    const said = Object.entries(figures).map(([what, value]) => `${what} ${Number(value.toPrecision(4))}`);
    console.log(
      `| ${name} | ${count.toLocaleString("en")} ${unit} | ${seed} | ${must} | ${failures.length} | ${said.join(", ")} |`,
    );
  }
}

let order: Order | null = null;
try {
  order = readArguments();
} catch (cause) {
  console.error(`torture: ${(cause as Error).message}\nusage: ${USAGE}`);
  process.exitCode = 2;
}
if (order !== null) await run(order);

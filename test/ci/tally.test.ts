import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

const TALLY = join(import.meta.dirname, "..", "..", ".ci", "tally.mjs");
const folder = mkdtempSync(join(tmpdir(), "thalweg-tally-"));
afterAll(() => rmSync(folder, { recursive: true }));

function tally(report: object | null, testStatus: number, checkStatus: number) {
  const path = join(folder, report === null ? "missing.json" : "report.json");
  if (report !== null) writeFileSync(path, JSON.stringify(report));
  const { stdout, status } = spawnSync(process.execPath, [TALLY, path, `${testStatus}`, `${checkStatus}`], {
    encoding: "utf8",
  });
  return { line: stdout.trimEnd(), status };
}

const report = (counts: object, testResults: readonly object[] = []) => ({
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults,
  ...counts,
});

it("prints what passed", () => {
  expect(tally(report({ numPassedTests: 7 }), 0, 0)).toEqual({ line: "7 passed, 0 failed", status: 0 });
});

it("prints what was skipped", () => {
  const counts = { numPassedTests: 7, numPendingTests: 1, numTodoTests: 1 };
  expect(tally(report(counts), 0, 0)).toEqual({ line: "7 passed, 0 failed, 2 skipped", status: 0 });
});

it("fails with a failed test", () => {
  const files = [{ status: "failed", assertionResults: [{ status: "failed" }] }];
  expect(tally(report({ numPassedTests: 6, numFailedTests: 1 }, files), 1, 0)).toEqual({
    line: "6 passed, 1 failed",
    status: 1,
  });
});

it("counts a test file that does not load", () => {
  const files = [{ status: "failed", assertionResults: [] }];
  expect(tally(report({ numPassedTests: 6 }, files), 1, 0)).toEqual({
    line: "6 passed, 1 failed",
    status: 1,
  });
});

it("counts a failed check, and tests that never ran", () => {
  expect(tally(report({ numPassedTests: 6 }), 0, 1)).toEqual({ line: "6 passed, 1 failed", status: 1 });
  expect(tally(null, 1, 1)).toEqual({ line: "0 passed, 2 failed", status: 1 });
});

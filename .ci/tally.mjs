/**
 * node .ci/tally.mjs <vitest's JSON report> <exit status of the tests> <exit status of the checks>
 *
 * Prints one line, `N passed, N failed` and, if any, `, N skipped`; exits 1 unless everything passed.
 * What fails without failing a test (a file that does not load, a check, tests that never ran) counts as one failure each.
 */
import { readFileSync } from "node:fs";
import process from "node:process";

const [reportPath, testStatus, checkStatus] = process.argv.slice(2);
const report = readReport(reportPath);

const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === "failed" && !assertionResults.some((assertion) => assertion.status === "failed"),
).length;
let failed = report.numFailedTests + brokenFiles;
if (failed === 0 && testStatus !== "0") failed = 1;
if (checkStatus !== "0") failed += 1;

const skipped = report.numPendingTests + report.numTodoTests;
console.log(`${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  }
}

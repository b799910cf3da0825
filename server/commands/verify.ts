/** `thalweg verify <recording>`: are its numbers what its θ say? */
import { count, whole } from "../../shared/number-words.ts";
import { standing } from "../../shared/session-words.ts";
import { UserError } from "../training/user-error.ts";
import type { StreamReport, VerifyReport } from "../verify/report.ts";
import type { Deviation } from "../verify/tally.ts";
import { verifyRecording } from "../verify/verify.ts";
import { type FolderFlag, findRecording } from "./find-recording.ts";
import { progressLine } from "./progress.ts";
import { decimal } from "./quantities.ts";

interface VerifyFlags extends FolderFlag {
  readonly samples?: string;
  readonly seed?: string;
  readonly stream?: readonly string[];
  readonly json?: boolean;
}

/** Exit code 0 when all agree, 1 when one does not. */
export async function verifyCommand(which: string, flags: VerifyFlags): Promise<void> {
  const samples = flags.samples === undefined ? undefined : wholeNumber("samples", flags.samples, 1);
  const seed =
    flags.seed === undefined ? undefined : wholeNumber("seed", flags.seed, Number.MIN_SAFE_INTEGER);
  const path = await findRecording("verify", which, flags);
  // The first words of an answer that can take minutes, which a pipe hears nothing of otherwise.
  if (flags.json !== true) console.log(`verifying ${path} …`);
  const progress = progressLine();
  const report = await verifyRecording(path, {
    ...(samples === undefined ? {} : { samples }),
    ...(seed === undefined ? {} : { seed }),
    ...(flags.stream === undefined ? {} : { streams: flags.stream }),
    onProgress: (doing, done, of) => progress.show(`${doing} ${Math.floor((100 * done) / of)} %`),
  });
  progress.clear();
  console.log(flags.json === true ? JSON.stringify(asJson(report), null, 2) : sentences(report).join("\n"));
  if (!report.agrees) process.exitCode = 1;
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = decimal(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  const expected = least === 1 ? "a whole number > 0" : "a whole number";
  throw new UserError("settings", `${name}: expected ${expected}, got ${JSON.stringify(text)}`);
}

/** The header in parts: all of it is in the recording. */
function asJson({ session, status, ...rest }: VerifyReport) {
  const { id, name, modelSummary, loss, probe, train, seeds, backend, versions, steps } = session;
  const { indices: _, ...data } = probe;
  const run = {
    id,
    name,
    model: modelSummary,
    loss: loss.name,
    probe: data,
    train,
    seeds,
    backend,
    versions,
  };
  return { ...rest, run: { ...run, steps, lastStep: status.step, reason: status.reason } };
}

function sentences(report: VerifyReport): string[] {
  const { session, status, streams, seed } = report;
  const differing = streams.filter(({ verdict }) => verdict === "differs");
  const unchecked = streams.filter(({ verdict }) => verdict === "not checked");
  const left = streams.filter(({ notChecked }) => notChecked.length > 0);
  return [
    `sha256 ${report.sha256}`,
    `${session.name}: ${session.modelSummary}, ${session.loss.name}, ${session.probe.dataset}, ` +
      `${whole(status.step)} of ${count(session.steps, "step")}, ${standing({ ...status, steps: session.steps })}; recorded with backend ${session.backend}`,
    `every number below was derived anew in float64 from the recorded θ; samples drawn with seed ${seed}`,
    "",
    ...table(streams),
    "",
    ...differing.flatMap(faultLines),
    ...(left.length === 0 ? [] : ["not checked:"]),
    ...left.flatMap(({ stream, notChecked }) => notChecked.map((what) => `  ${stream}: ${what}`)),
    ...(left.length === 0 ? [] : [""]),
    differing.length > 0
      ? `${differing.length} of ${streams.length} do not agree: ${differing.map(({ stream }) => stream).join(", ")}`
      : unchecked.length > 0
        ? `what was checked agrees; ${unchecked.length} of ${streams.length} could not be checked: ${unchecked.map(({ stream }) => stream).join(", ")}`
        : `all ${streams.length} agree`,
  ];
}

function faultLines({ stream, faults, faultCount }: StreamReport): string[] {
  const more = faultCount - faults.length;
  return [
    `${stream} differs:`,
    ...faults.map((fault) => `  ${fault}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    "",
  ];
}

const HEAD = ["stream", "checked", "largest deviation", "tolerance", "because of", "verdict"];

function table(streams: readonly StreamReport[]): string[] {
  const rows = [HEAD, ...streams.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function rowOf({ stream, samples, checked, largest, verdict }: StreamReport): string[] {
  return [stream, `${whole(checked)} of ${whole(samples)}`, ...deviation(largest), verdict];
}

function deviation(largest: Deviation | null): string[] {
  if (largest === null) return ["none", "", ""];
  const { deviation: apart, quantity, step, tolerance, because } = largest;
  return [`${brief(apart)} in ${quantity} at step ${whole(step)}`, brief(tolerance), because];
}

function brief(value: number): string {
  return Number.isFinite(value) ? value.toExponential(1) : String(value);
}

/** `thalweg sessions`, `info`, `import`, `prune`: the recordings of a folder, without a server. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { whole } from "../../shared/number-words.ts";
import { standing } from "../../shared/session-words.ts";
import { firstPartOf, partPath } from "../recording/part.ts";
import { removeRecording } from "../recording/remove-recording.ts";
import type { Catalogue } from "../session/catalogue.ts";
import { mayBeWritten } from "../session/heartbeat.ts";
import { importRecording } from "../session/import-recording.ts";
import { openRecording } from "../session/recorded-session.ts";
import { UserError } from "../training/user-error.ts";
import { catalogueOf, findRecording } from "./find-recording.ts";
import { decimal, readSize, sizeText } from "./quantities.ts";
import { liveElsewhere } from "./server-card.ts";
import { describeRecording } from "./session-description.ts";

export const RECORDINGS_LIMIT = "10GiB";
const DAY_MS = 86_400_000;

type Flags = Readonly<Record<string, unknown>>;
type Recording = Awaited<ReturnType<Catalogue["recordings"]>>[number];

export async function sessionsCommand(flags: Flags): Promise<void> {
  const catalogue = catalogueOf(flags);
  const [recordings, unreadable, live] = [
    await catalogue.recordings(),
    await catalogue.unreadable(),
    await liveElsewhere(),
  ];
  if (flags["json"] === true) {
    const sessions = recordings.map(({ file, summary }) => ({
      ...summary,
      live: live.has(summary.id),
      file,
    }));
    console.log(JSON.stringify({ sessions, unreadable }, null, 2));
    return;
  }
  const rows = recordings.map(({ file, sizeBytes, summary }) => [
    summary.id.slice(0, 8),
    localTime(summary.startedAtMs),
    live.has(summary.id) ? "live" : standing(summary),
    `${whole(summary.step)} of ${whole(summary.steps)}`,
    sizeText(sizeBytes),
    summary.name,
    file,
  ]);
  if (rows.length === 0) console.log(`no recordings in ${catalogue.folder}`);
  else printTable(["id", "started", "state", "steps", "size", "title", "file"], rows);
  for (const { message } of unreadable) console.error(`thalweg: ${message}`);
}

export async function infoCommand(which: string, flags: Flags): Promise<void> {
  const session = await openRecording(await findRecording("info", which, flags));
  try {
    const isLive = (await liveElsewhere()).has(session.header.id);
    const described = await describeRecording(session, isLive);
    if (flags["json"] === true) console.log(JSON.stringify(described.json, null, 2));
    else for (const [name, value] of described.lines) console.log(`${name.padEnd(12)} ${value}`);
  } finally {
    await session.close();
  }
}

export async function importCommand(files: readonly string[], flags: Flags): Promise<void> {
  const catalogue = catalogueOf(flags);
  // A shell's a*.mcap names the parts, too: they come with the first.
  for (const file of files.filter((each) => !files.includes(firstPartOf(each) ?? ""))) {
    // Here, whatever is wrong with it can be said with its name.
    const session = await openRecording(file);
    await session.close();
    const parts = await partsOf(file);
    const isKnown = async (id: string) => {
      catalogue.touch();
      return (await catalogue.recordings()).some(({ summary }) => summary.id === id);
    };
    const bounds = { maxBytes: Number.POSITIVE_INFINITY, isKnown };
    const { id, name } = await importRecording(parts.map(bytesOf), catalogue.folder, bounds);
    console.log(`${id}  ${name}${parts.length > 1 ? `  (${parts.length} parts)` : ""}`);
    if (session.fault !== null)
      console.error(`thalweg: taken as far as it is intact, up to ${session.fault}`);
  }
}

/** Deletes the oldest, by age, by what the folder takes, or both; without either, down to what `--recordings-limit` means. */
export async function pruneCommand(flags: Flags): Promise<void> {
  const keepDays = flags["keepDays"] === undefined ? null : days(flags["keepDays"]);
  const isBounded = flags["limit"] !== undefined || keepDays === null;
  const limit = isBounded ? readSize("limit", flags["limit"] ?? RECORDINGS_LIMIT) : Number.POSITIVE_INFINITY;
  const catalogue = catalogueOf(flags);
  const live = await liveElsewhere();
  const isWritten = async ({ file, summary }: Recording) =>
    live.has(summary.id) || (await mayBeWritten(join(catalogue.folder, file), summary.reason));
  const newestFirst = await catalogue.recordings();
  let held = newestFirst.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let [freed, count] = [0, 0];
  for (const recording of newestFirst.toReversed()) {
    const { file, sizeBytes, summary } = recording;
    const isOld = keepDays !== null && summary.startedAtMs < Date.now() - keepDays * DAY_MS;
    if ((!isOld && held <= limit) || (await isWritten(recording))) continue;
    if (flags["dryRun"] !== true) await removeRecording(join(catalogue.folder, file), recording.parts);
    console.log(`${file}  ${sizeText(sizeBytes)}  ${summary.name}`);
    held -= sizeBytes;
    freed += sizeBytes;
    count++;
  }
  const verb = flags["dryRun"] === true ? "would free" : "freed";
  console.log(
    `${verb} ${sizeText(freed)} of ${count} recordings; ${sizeText(held)} of ${newestFirst.length - count} stay`,
  );
}

/** One sentence when a folder has outgrown its limit; null otherwise. */
export async function outgrown(catalogue: Catalogue, limitBytes: number): Promise<string | null> {
  const recordings = await catalogue.recordings();
  const held = recordings.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (held <= limitBytes) return null;
  return (
    `${catalogue.folder} holds ${sizeText(held)} in ${recordings.length} recordings, more than ` +
    `--recordings-limit ${sizeText(limitBytes)}; thalweg prune deletes the oldest`
  );
}

/** Opened when it is its turn. */
async function* bytesOf(path: string): AsyncIterable<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Uint8Array>;
}

/** The files of a recording, as far as one follows the other. */
async function partsOf(path: string): Promise<string[]> {
  const parts = [path];
  for (;;) {
    const next = partPath(path, parts.length + 1);
    if ((await stat(next).catch(() => null)) === null) return parts;
    parts.push(next);
  }
}

function days(given: unknown): number {
  const number = decimal(given);
  if (Number.isFinite(number) && number >= 0) return number;
  throw new UserError("settings", `keep-days: expected a number ≥ 0, got ${JSON.stringify(given)}`);
}

function localTime(ms: number): string {
  const at = new Date(ms);
  return `${at.toLocaleDateString("sv-SE")} ${at.toLocaleTimeString("sv-SE").slice(0, 5)}`;
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  for (const row of all)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

/** Damaged recordings through `thalweg recover`: what comes out is whole, holds the longest prefix, and the original is untouched. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { McapIndexedReader } from "@mcap/core";
import { createRandom } from "../../server/numerics/random.ts";
import { RecordingError } from "../../server/recording/recording-error.ts";
import { type Recovered, recoverRecording } from "../../server/recording/recover.ts";
import { openRecording, type RecordedSession } from "../../server/session/recorded-session.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { cut, flip, type Inflict, zeroTail } from "./damage.ts";
import { makeVictims, openBytes, type Victim, withFolder } from "./victim.ts";

export const recover: Check = {
  name: "recording/recover",
  unit: "files",
  fast: 500,
  full: 20_000,
  must: "whole again, the longest prefix, the original untouched",
  run: (count, seed) => withFolder((folder) => run(folder, count, seed)),
};

const WAYS: readonly Inflict[] = [cut, flip, zeroTail];

async function run(folder: string, count: number, seed: number): Promise<Outcome> {
  const random = createRandom(seed);
  const failures = new Failures();
  const victims = await makeVictims();
  const found = { refused: 0, whole: 0, recovered: 0 };
  const path = join(folder, "a.mcap");
  const out = join(folder, "b.mcap");
  for (let i = 0; i < count; i++) {
    const victim = victims[i % victims.length] as Victim;
    const harm = (WAYS[i % WAYS.length] ?? cut)(victim, random, random.uniform());
    const fail = (sentence: string) => failures.add(`${victim.kind}, ${harm.what}: ${sentence}`);
    await writeFile(path, harm.bytes);
    const recovered = await unlessRefused(recoverRecording(path, out));
    const opened = await unlessRefused(openBytes(harm.bytes));
    if (typeof recovered === "string" || typeof opened === "string") {
      if (recovered !== opened) fail(`recovering says ${wordOf(recovered)}, opening ${wordOf(opened)}`);
      found.refused++;
    } else {
      await judge(recovered, opened.session, out, fail);
      found[recovered.files.length > 0 ? "recovered" : "whole"]++;
    }
    if (!(await readFile(path)).equals(harm.bytes)) fail("the original was changed");
    await rm(out, { force: true });
  }
  return { count, failures: failures.sentences, figures: found };
}

/** The code of a refusal in place of a result. */
async function unlessRefused<T>(work: Promise<T>): Promise<T | RecordingError["code"]> {
  return work.catch((cause: unknown) => {
    if (cause instanceof RecordingError) return cause.code;
    throw cause;
  });
}

function wordOf(result: unknown): string {
  return typeof result === "string" ? result : "nothing against it";
}

async function judge(
  { files, events }: Recovered,
  session: RecordedSession,
  out: string,
  fail: (sentence: string) => void,
): Promise<void> {
  const expected = fingerprints(await readAll(session));
  if (events !== expected.length) fail(`${events} events are said to be kept, of ${expected.length}`);
  if (files.length > 0) await compare(out, expected, fail);
  else if (session.fault !== null || session.status.reason === "interrupted")
    fail(`nothing was written, and what is there is not whole: ${session.fault}`);
}

async function compare(
  out: string,
  expected: readonly string[],
  fail: (sentence: string) => void,
): Promise<void> {
  const session = await openRecording(out);
  const events = fingerprints(await readAll(session));
  await session.close();
  if (session.fault !== null) fail(`what came out is not whole: ${session.fault}`);
  if (events.join("\n") !== expected.join("\n"))
    fail(`${events.length} events came out, of ${expected.length}`);
  const bytes = await readFile(out);
  const reader = await McapIndexedReader.Initialize({
    readable: {
      size: async () => BigInt(bytes.byteLength),
      read: async (offset, size) => bytes.subarray(Number(offset), Number(offset + size)),
    },
  });
  const counted = Number(reader.statistics?.messageCount ?? -1n);
  if (counted !== expected.length) fail(`the reference reader counts ${counted} of ${expected.length}`);
}

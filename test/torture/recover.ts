/** Damaged recordings through `thalweg recover`: what comes out is whole, holds the longest prefix, and the original is untouched. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { McapIndexedReader } from "@mcap/core";
import { createRandom } from "../../server/numerics/random.ts";
import { RecordingError } from "../../server/recording/recording-error.ts";
import { recoverRecording } from "../../server/recording/recover.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
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
    try {
      const { files, events } = await recoverRecording(path, out);
      const { session } = await openBytes(harm.bytes);
      const expected = fingerprints(await readAll(session));
      if (events !== expected.length) fail(`${events} events are said to be kept, of ${expected.length}`);
      if (files.length > 0) await compare(out, expected, fail);
      found[files.length > 0 ? "recovered" : "whole"]++;
    } catch (cause) {
      if (!(cause instanceof RecordingError)) throw cause;
      found.refused++;
    }
    if (!(await readFile(path)).equals(harm.bytes)) fail("the original was changed");
    await rm(out, { force: true });
  }
  return { count, failures: failures.sentences, figures: found };
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

/** Recordings that are made to be damaged: small, in several chunks, with every kind of channel, and what they hold. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BlockFile } from "../../server/recording/block-file.ts";
import { scanRecording } from "../../server/recording/mcap-reader.ts";
import { SessionLog } from "../../server/session/log.ts";
import { RecordedSession } from "../../server/session/recorded-session.ts";
import { buildHeader } from "../support/build-header.ts";
import { MemoryFile } from "../support/memory-file.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { appendSteps } from "../support/write-steps.ts";

export interface Victim {
  readonly kind: "finished" | "unfinished";
  readonly bytes: Buffer;
  /** One line for each event, equal exactly when the event is. */
  readonly events: readonly string[];
}

const STEPS = 29;

/** As kill -9 leaves it, and with its end and summary. */
export async function makeVictims(): Promise<readonly Victim[]> {
  return withFolder((folder) => Promise.all([make(folder, "unfinished"), make(folder, "finished")]));
}

async function make(folder: string, kind: Victim["kind"]): Promise<Victim> {
  const path = join(folder, `${kind}.mcap`);
  const log = await SessionLog.create({ header: buildHeader(), path });
  await appendSteps(log, STEPS);
  const events = fingerprints(await readAll(log));
  if (kind === "finished") await log.finish("finished");
  await log.close();
  return { kind, bytes: await readFile(path), events };
}

/** @returns the session in these bytes, and the largest piece of memory that finding out took. */
export async function openBytes(
  bytes: Uint8Array,
): Promise<{ session: RecordedSession; largestRead: number }> {
  const file = new MemoryFile(bytes);
  const scan = await scanRecording(file, "x.mcap", bytes.byteLength);
  return {
    session: new RecordedSession(new BlockFile("x.mcap", file, scan.spans), scan),
    largestRead: file.largestRead,
  };
}

export async function withFolder<R>(use: (folder: string) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), "thalweg-torture-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

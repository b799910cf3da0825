/** Recordings of each format version, as they were written by the Thalweg of their time: they open for ever, and hold what they held. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRecording } from "../../server/session/recorded-session.ts";
import { fingerprints, readAll } from "../support/read-all.ts";

const FOLDER = join(import.meta.dirname, "fixtures");
const recordings = (await readdir(FOLDER)).filter((name) => name.endsWith(".mcap"));

test("there is one of each version, finished and cut", () => {
  expect(recordings.sort()).toEqual(["v1-cut.mcap", "v1-finished.mcap"]);
});

test.each(recordings)("%s opens", async (name) => {
  const session = await openRecording(join(FOLDER, name));
  const expected: unknown = JSON.parse(
    await readFile(join(FOLDER, name.replace(/mcap$/, "events.json")), "utf8"),
  );
  expect(fingerprints(await readAll(session))).toEqual(expected);
  expect(session.status.reason).toBe(name.includes("cut") ? "interrupted" : "finished");
  await session.close();
});

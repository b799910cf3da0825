import { createReadStream } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { recordingFileName } from "../../server/recording/file-name.ts";
import { partPath } from "../../server/recording/part.ts";
import { RecordingError } from "../../server/recording/recording-error.ts";
import { Catalogue } from "../../server/session/catalogue.ts";
import { importRecording } from "../../server/session/import-recording.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { buildHeader } from "../support/build-header.ts";
import { appendSteps } from "../support/write-steps.ts";

vi.mock("../../server/session/recorded-session.ts", { spy: true });

const header = buildHeader({ id: "1".repeat(32) });
let folder: string;
let elsewhere: string;
let library: SessionLibrary;
/** The parts of one recording, three or more. */
let parts: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-import-"));
  elsewhere = await mkdtemp(join(tmpdir(), "thalweg-elsewhere-"));
  library = new SessionLibrary({ catalogue: new Catalogue(folder) });
  const path = join(elsewhere, "a.mcap");
  const log = await SessionLog.create({ header, path, partBytes: 8_000 });
  await appendSteps(log, 200);
  await log.finish("finished");
  await log.close();
  parts = (await readdir(elsewhere)).map((_, at) => partPath(path, at + 1));
  expect(parts.length).toBeGreaterThan(2);
});
afterEach(async () => {
  await library.close();
  await rm(folder, { recursive: true });
  await rm(elsewhere, { recursive: true });
});

const bring = (part: number) => library.import(createReadStream(parts[part - 1] ?? ""), 2 ** 20);
const file = (part: number) => partPath(recordingFileName(header), part);

it("takes in a session, and each of its parts, only once, also where two bring it at the same time", async () => {
  for (const part of [1, 2]) {
    const both = await Promise.allSettled([bring(part), bring(part)]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "exists" } });
  }
  expect(await readdir(folder)).toEqual([file(2), file(1)]);
  expect(await readFile(join(folder, file(2)))).toEqual(await readFile(parts[1] ?? ""));
});

it("leaves no part behind that it could not read where it belongs", async () => {
  await bring(1);
  vi.mocked(openRecording).mockRejectedValueOnce(new RecordingError("disk-error", "the disk answered EIO"));
  await expect(bring(2)).rejects.toMatchObject({ code: "disk-error" });
  expect(await readdir(folder)).toEqual([file(1)]);
  await bring(2);
  expect(await readdir(folder)).toEqual([file(2), file(1)]);
});

it("overwrites nothing, and takes back what it had put beside it", async () => {
  await writeFile(join(folder, file(2)), "somebody's");
  const whole = importRecording(
    parts.map((path) => createReadStream(path)),
    folder,
    {
      maxBytes: 2 ** 20,
      isKnown: async () => false,
    },
  );
  await expect(whole).rejects.toMatchObject({ code: "exists" });
  expect(await readdir(folder)).toEqual([file(2)]);
  expect(await readFile(join(folder, file(2)), "utf8")).toBe("somebody's");
});

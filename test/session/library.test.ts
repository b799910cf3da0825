import { createReadStream } from "node:fs";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { partPath } from "../../server/recording/part.ts";
import { Catalogue } from "../../server/session/catalogue.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import { SessionLog } from "../../server/session/log.ts";
import { buildHeader } from "../support/build-header.ts";
import { MemorySession } from "../support/memory-session.ts";
import { fingerprints, readAll } from "../support/read-all.ts";
import { sessionHeader } from "../support/session-header.ts";
import { writeRecording } from "../support/write-recording.ts";
import { appendSteps } from "../support/write-steps.ts";

const idOf = (n: number) => n.toString(16).padStart(32, "0");
const MIB = 2 ** 20;

let folder: string;
let elsewhere: Set<string>;
let library: SessionLibrary;
const at = (file: string) => join(folder, file);
const names = async () => (await library.summaries()).map(({ id, name, live }) => [id, name, live]);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-library-"));
  elsewhere = new Set();
  library = new SessionLibrary({ catalogue: new Catalogue(folder), liveElsewhere: async () => elsewhere });
});
afterEach(async () => {
  await library.close();
  await rm(folder, { recursive: true });
});

it("serves what is live beside every recording of its folder, each once", async () => {
  await writeRecording(at("a.mcap"), idOf(1), { startedAtMs: 1000 });
  await writeRecording(at("b.mcap"), idOf(2), { startedAtMs: 3000 });
  const live = new MemorySession(sessionHeader({ id: idOf(3), startedAtMs: 2000 }));
  library.add(live);
  expect(await names()).toEqual([
    [idOf(2), "a test", false],
    [idOf(3), "test", true],
    [idOf(1), "a test", false],
  ]);
  expect(await library.resolve("live")).toBe(live);
  expect(await library.resolve(idOf(3))).toBe(live);
  expect(await library.resolve(idOf(9))).toBeUndefined();
  const opened = await library.resolve(idOf(1));
  expect(opened?.header.id).toBe(idOf(1));
  expect(await library.resolve(idOf(1))).toBe(opened);
  live.end("finished");
  expect(await library.resolve("live")).toBeUndefined();
});

it("does not look into a file that it is writing itself, and lists it when it has ended", async () => {
  await writeRecording(at("a.mcap"), idOf(1), { name: "as the file has it" });
  const live = new MemorySession(sessionHeader({ id: idOf(1), name: "as memory has it" }), at("a.mcap"));
  library.add(live);
  expect(await names()).toEqual([[idOf(1), "as memory has it", true]]);
  expect(await new Catalogue(folder).recordings()).toHaveLength(1);
  live.end("finished");
  await library.rename(idOf(1), "renamed");
  expect(await names()).toEqual([[idOf(1), "renamed", false]]);
});

it("renames a recording under its readers, who notice nothing", async () => {
  await writeRecording(at("a.mcap"), idOf(1), { steps: 100 });
  const before = await library.resolve(idOf(1));
  if (before === undefined) throw new Error("not found");
  const cursor = before.cursor({ channels: new Set([0, 1]), from: 0 });
  const first = await cursor.read({ maxEvents: 20, maxBytes: MIB });
  expect(await library.rename(idOf(1), "renamed")).toMatchObject({ id: idOf(1), name: "renamed" });
  expect(await names()).toEqual([[idOf(1), "renamed", false]]);
  const after = await library.resolve(idOf(1));
  expect(after?.header.name).toBe("renamed");
  const rest = await cursor.read({ maxEvents: 1e6, maxBytes: 100 * MIB });
  const all = await after
    ?.cursor({ channels: new Set([0, 1]), from: 0 })
    .read({ maxEvents: 1e6, maxBytes: 100 * MIB });
  expect(fingerprints([...first, ...rest])).toEqual(fingerprints(all ?? []));
});

it("gives a recording one title after the other, however many are asked for at once, and loses no sample", async () => {
  await writeRecording(at("a.mcap"), idOf(1), { steps: 100 });
  const before = await library.resolve(idOf(1));
  const samples = await readAll(before as NonNullable<typeof before>);
  const titles = Array.from({ length: 8 }, (_, k) => `title ${k}`);
  const answers = await Promise.all(titles.map((title) => library.rename(idOf(1), title)));
  expect(answers.map(({ name, reason }) => [name, reason])).toEqual(
    titles.map((title) => [title, "finished"]),
  );
  // What is deleted meanwhile does not come back.
  const [, deleted, late] = await Promise.allSettled([
    library.rename(idOf(1), "the last"),
    library.remove(idOf(1)),
    library.rename(idOf(1), "too late"),
  ]);
  expect(deleted).toMatchObject({ status: "fulfilled" });
  expect(late).toMatchObject({ status: "rejected", reason: { code: "unknown-session" } });
  expect(await readdir(folder)).toEqual([]);
  expect(await readAll(before as NonNullable<typeof before>)).toEqual(samples);
});

it("deletes a recording, but none that is being written here or elsewhere", async () => {
  await writeRecording(at("a.mcap"), idOf(1));
  await writeRecording(at("b.mcap"), idOf(2));
  library.add(new MemorySession(sessionHeader({ id: idOf(3) })));
  elsewhere.add(idOf(2));
  for (const id of [idOf(2), idOf(3)]) {
    await expect(library.remove(id)).rejects.toMatchObject({ code: "live" });
    await expect(library.rename(id, "x")).rejects.toMatchObject({ code: "live" });
  }
  const opened = await library.resolve(idOf(1));
  const samples = await readAll(opened as NonNullable<typeof opened>);
  await library.remove(idOf(1));
  expect(await readdir(folder)).toEqual(["b.mcap"]);
  expect(await library.resolve(idOf(1))).toBeUndefined();
  await expect(library.remove(idOf(1))).rejects.toMatchObject({ code: "unknown-session" });
  expect(await readAll(opened as NonNullable<typeof opened>)).toEqual(samples);
});

it("takes in a recording whole, or leaves the folder as it was", async () => {
  const other = await mkdtemp(join(tmpdir(), "thalweg-elsewhere-"));
  const path = join(other, "a.mcap");
  await writeRecording(path, idOf(1), { name: "From elsewhere", startedAtMs: Date.UTC(2030, 0, 2, 3, 4, 5) });
  const bring = (limit = 100 * MIB) => library.import(createReadStream(path), limit);
  await expect(bring(1000)).rejects.toMatchObject({ code: "too-large" });
  expect(await readdir(folder)).toEqual([]);
  expect(await bring()).toMatchObject({ id: idOf(1), name: "From elsewhere", reason: "finished" });
  const file = "2030-01-02T03-04-05-from-elsewhere-00000000.mcap";
  expect(await readdir(folder)).toEqual([file]);
  expect(await readFile(at(file))).toEqual(await readFile(path));
  expect(await names()).toEqual([[idOf(1), "From elsewhere", false]]);
  await expect(bring()).rejects.toMatchObject({ code: "exists" });

  await library.remove(idOf(1));
  await truncate(path, 6000);
  expect(await bring()).toMatchObject({ id: idOf(1), reason: "interrupted" });
  await library.remove(idOf(1));
  for (const [text, code] of [
    ["no recording", "not-a-recording"],
    ["", "not-a-recording"],
  ] as const) {
    await writeFile(path, text);
    await expect(bring()).rejects.toMatchObject({ code, message: expect.not.stringContaining(folder) });
  }
  const breaksOff = (async function* () {
    yield Buffer.alloc(1000);
    throw new Error("the connection is gone");
  })();
  await expect(library.import(breaksOff, MIB)).rejects.toMatchObject({ code: "cut" });
  expect(await readdir(folder)).toEqual([]);
  await rm(other, { recursive: true });
});

it("takes a recording in several files as one: listed, renamed, deleted", async () => {
  const log = await SessionLog.create({
    header: buildHeader({ id: idOf(1) }),
    path: at("a.mcap"),
    partBytes: 8_000,
  });
  await appendSteps(log, 200);
  await log.finish("finished");
  await log.close();
  const files = await readdir(folder);
  expect(files.length).toBeGreaterThan(2);
  const [line] = await new Catalogue(folder).recordings();
  expect(line).toMatchObject({
    file: "a.mcap",
    parts: files.length,
    summary: { reason: "finished", step: 199 },
  });
  const opened = await library.resolve(idOf(1));
  expect(line?.summary.headSeq).toBe(opened?.status.headSeq);
  expect(await library.rename(idOf(1), "renamed")).toMatchObject({
    name: "renamed",
    headSeq: opened?.status.headSeq,
  });
  await library.remove(idOf(1));
  expect(await readdir(folder)).toEqual([]);
});

it("takes in a recording in several files part by part, in their order and each once", async () => {
  const other = await mkdtemp(join(tmpdir(), "thalweg-elsewhere-"));
  const log = await SessionLog.create({
    header: buildHeader({ id: idOf(1) }),
    path: join(other, "a.mcap"),
    partBytes: 8_000,
  });
  await appendSteps(log, 200);
  await log.finish("finished");
  const written = fingerprints(await readAll(log));
  await log.close();
  const count = (await readdir(other)).length;
  expect(count).toBeGreaterThan(3);
  const bring = (part: number) =>
    library.import(createReadStream(partPath(join(other, "a.mcap"), part)), 100 * MIB);

  await expect(bring(2)).rejects.toMatchObject({
    code: "later-part",
    message: `recording: expected the first part of session ${idOf(1)}, got part 2`,
  });
  expect(await readdir(folder)).toEqual([]);
  expect(await bring(1)).toMatchObject({ id: idOf(1), reason: "interrupted" });
  // Somebody is reading what has come so far.
  const opened = await library.resolve(idOf(1));
  await expect(bring(3)).rejects.toMatchObject({
    code: "later-part",
    message: `recording: expected part 2 of session ${idOf(1)} next, got part 3`,
  });
  elsewhere.add(idOf(1));
  await expect(bring(2)).rejects.toMatchObject({ code: "live" });
  elsewhere.clear();
  for (let part = 2; part < count; part++)
    expect(await bring(part)).toMatchObject({ id: idOf(1), reason: "interrupted" });
  expect(await bring(count)).toMatchObject({ id: idOf(1), reason: "finished", step: 199 });
  await expect(bring(2)).rejects.toMatchObject({ code: "exists" });
  await expect(bring(1)).rejects.toMatchObject({ code: "exists" });
  expect(await names()).toEqual([[idOf(1), "a test", false]]);
  const whole = await library.resolve(idOf(1));
  expect(whole).not.toBe(opened);
  expect(fingerprints(await readAll(whole as NonNullable<typeof whole>))).toEqual(written);
  await library.remove(idOf(1));
  expect(await readdir(folder)).toEqual([]);
  await rm(other, { recursive: true });
});

it("closes what is left of a recording that was replaced, also while somebody asks for the list", async () => {
  await writeRecording(at("a.mcap"), idOf(1));
  const replaced = (await library.resolve(idOf(1))) as NonNullable<
    Awaited<ReturnType<typeof library.resolve>>
  >;
  const close = vi.spyOn(replaced, "close");
  await library.rename(idOf(1), "renamed");
  const listing = library.summaries();
  await library.close();
  await listing;
  expect(close).toHaveBeenCalledOnce();
  expect(await library.resolve(idOf(1))).toBeUndefined();
});

it("says which recording cannot be opened after all, without its folder", async () => {
  await writeRecording(at("a.mcap"), idOf(1));
  await library.summaries();
  await rm(at("a.mcap"));
  await expect(library.resolve(idOf(1))).rejects.toMatchObject({
    code: "not-found",
    message: expect.stringMatching(/^a\.mcap: /),
  });
});

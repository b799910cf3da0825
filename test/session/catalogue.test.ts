import { renameSync } from "node:fs";
import {
  appendFile,
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { glanceAt } from "../../server/recording/glance.ts";
import { retitleRecording } from "../../server/recording/title.ts";
import { Catalogue } from "../../server/session/catalogue.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { readAll } from "../support/read-all.ts";
import { writeRecording } from "../support/write-recording.ts";

const idOf = (n: number) => n.toString(16).padStart(32, "0");
const INDEX = ".thalweg-index.json";

let folder: string;
const at = (file: string) => join(folder, file);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-catalogue-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("a glance", () => {
  /** What a list says, against what opening finds by reading everything. */
  async function expectSame(path: string): Promise<void> {
    const session = await openRecording(path);
    const { header, headSeq, lastStep, endReason } = await glanceAt(path);
    expect({ header, headSeq, step: lastStep, reason: endReason ?? "interrupted" }).toEqual({
      header: session.header,
      headSeq: session.status.headSeq,
      step: session.status.step,
      reason: session.status.reason,
    });
    await session.close();
  }

  it("says what opening says, of recordings finished, cut at any place, and retitled", async () => {
    await writeRecording(at("a.mcap"), idOf(1), { steps: 200 });
    await expectSame(at("a.mcap"));
    const { size } = await stat(at("a.mcap"));
    for (let cut = 1; cut < 40; cut++) {
      await copyFile(at("a.mcap"), at("b.mcap"));
      await truncate(at("b.mcap"), size - Math.ceil((cut * cut * size) / 2000));
      await expectSame(at("b.mcap"));
    }
    await retitleRecording(at("a.mcap"), "θ: another title");
    await retitleRecording(at("a.mcap"), "and an\u001bother");
    await expectSame(at("a.mcap"));
    expect((await glanceAt(at("a.mcap"))).header.name).toBe("and an\ufffdother");
    // Of a recording that ends in the middle of its summary.
    await truncate(at("a.mcap"), (await stat(at("a.mcap"))).size - 20);
    await expectSame(at("a.mcap"));
  });

  it("is not deceived by a summary that its checksum does not vouch for", async () => {
    await writeRecording(at("a.mcap"), idOf(1));
    const bytes = await readFile(at("a.mcap"));
    const summaryAt = Number(bytes.readBigUInt64LE(bytes.length - 28));
    for (let place = summaryAt; place < bytes.length; place += 7) {
      const bent = Buffer.from(bytes);
      bent[place] = (bent[place] ?? 0) ^ 0x10;
      await writeFile(at("b.mcap"), bent);
      await expectSame(at("b.mcap"));
    }
  });
});

describe("another title", () => {
  it("changes the title, and not one sample", async () => {
    await writeRecording(at("a.mcap"), idOf(1), { steps: 100 });
    const before = await openRecording(at("a.mcap"));
    const samples = await readAll(before);
    const bytes = await readFile(at("a.mcap"));
    await retitleRecording(at("a.mcap"), "a title");
    const after = await openRecording(at("a.mcap"));
    expect(after.header).toEqual({ ...before.header, name: "a title" });
    expect(after.fault).toBeNull();
    expect(await readAll(after)).toEqual(samples);
    // Who has had it open reads on.
    expect(await readAll(before)).toEqual(samples);
    const dataEnd = Number(bytes.readBigUInt64LE(bytes.length - 28)) - 13;
    expect((await readFile(at("a.mcap"))).subarray(0, dataEnd)).toEqual(bytes.subarray(0, dataEnd));
    await before.close();
    await after.close();
    expect(await readdir(folder)).toEqual(["a.mcap"]);
  });

  it("may be given by several processes at once: one of them stands, and the recording is whole", async () => {
    await writeRecording(at("a.mcap"), idOf(1), { steps: 200 });
    const before = await openRecording(at("a.mcap"));
    const samples = await readAll(before);
    const titles = Array.from({ length: 8 }, (_, k) => `title ${k}`);
    await Promise.all(titles.map((title) => retitleRecording(at("a.mcap"), title)));
    const after = await openRecording(at("a.mcap"));
    expect(titles).toContain(after.header.name);
    expect(after.status.reason).toBe("finished");
    expect(await readAll(after)).toEqual(samples);
    expect(await readdir(folder)).toEqual(["a.mcap"]);
    await Promise.all([before.close(), after.close()]);
  });

  it("is refused to a recording without an end, which stays as it was", async () => {
    await writeRecording(at("a.mcap"), idOf(1));
    await truncate(at("a.mcap"), 5000);
    const bytes = await readFile(at("a.mcap"));
    await expect(retitleRecording(at("a.mcap"), "a title")).rejects.toMatchObject({ code: "not-finished" });
    expect(await readFile(at("a.mcap"))).toEqual(bytes);
    expect(await readdir(folder)).toEqual(["a.mcap"]);
  });
});

describe("the catalogue", () => {
  const ids = async (catalogue: Catalogue) => (await catalogue.recordings()).map(({ summary }) => summary.id);

  it("lists recordings newest first, names what it cannot read, and takes the longest of two copies", async () => {
    await writeRecording(at("b.mcap"), idOf(1), { startedAtMs: 1000 });
    await writeRecording(at("a.mcap"), idOf(2), { startedAtMs: 3000 });
    await copyFile(at("b.mcap"), at("copy-of-b.mcap"));
    await truncate(at("b.mcap"), 6000);
    await writeFile(at("c.mcap"), "no recording");
    await writeFile(at("notes.txt"), "not asked");
    const catalogue = new Catalogue(folder);
    const listed = await catalogue.recordings();
    expect(listed.map(({ file, summary }) => [file, summary.id])).toEqual([
      ["a.mcap", idOf(2)],
      ["copy-of-b.mcap", idOf(1)],
    ]);
    expect(listed[0]?.summary).toMatchObject({
      live: false,
      state: "ended",
      reason: "finished",
      steps: 40,
      step: 39,
    });
    const { size } = await stat(at("a.mcap"));
    expect(listed[0]?.summary.recordingBytes).toBe(size);
    expect(await catalogue.unreadable()).toEqual([
      expect.objectContaining({
        file: "c.mcap",
        code: "not-a-recording",
        message: expect.stringMatching(/^c\.mcap: /),
      }),
    ]);
  });

  it("takes the chosen one of several copies, whatever its length and its name", async () => {
    await writeRecording(at("whole.mcap"), idOf(1));
    for (const file of ["a.recovered.mcap", "z.mcap", "whole.2.mcap", ".hidden", "a.bak"]) {
      await copyFile(at("whole.mcap"), at(file));
      await truncate(at(file), 6000);
      const listed = await new Catalogue(folder, file).recordings();
      expect(listed.map(({ file, summary }) => [file, summary.reason])).toEqual([[file, "interrupted"]]);
      await rm(at(file));
    }
  });

  it("sees what has come, gone, grown or been replaced", async () => {
    const catalogue = new Catalogue(folder);
    const look = async () => {
      catalogue.touch();
      return (await catalogue.recordings()).map(({ summary }) => [summary.id, summary.name, summary.headSeq]);
    };
    expect(await look()).toEqual([]);
    await writeRecording(at("a.mcap"), idOf(1), { steps: 10 });
    const [first] = await look();
    expect(first).toEqual([idOf(1), "a test", expect.any(Number)]);
    await retitleRecording(at("a.mcap"), "renamed");
    expect(await look()).toEqual([[idOf(1), "renamed", first?.[2]]]);
    await writeRecording(at("b.mcap"), idOf(1), { steps: 90 });
    await rename(at("b.mcap"), at("a.mcap"));
    expect((await look())[0]?.[2]).toBeGreaterThan(first?.[2] as number);
    await rm(at("a.mcap"));
    expect(await look()).toEqual([]);
    await rm(folder, { recursive: true });
    expect(await look()).toEqual([]);
    await writeRecording(at("a.mcap"), idOf(1));
    expect(await look()).toHaveLength(1);
  });

  it("does not take for the newest what it began to read before something was done to the folder", async () => {
    await writeRecording(at("a.mcap"), idOf(1));
    await writeRecording(at("b.other"), idOf(2));
    const catalogue = new Catalogue(folder);
    const meanwhile: ReturnType<Catalogue["recordings"]>[] = [];
    // It is asked this behind its look at the folder.
    catalogue.leaveOut(() => {
      if (meanwhile.length === 0) {
        renameSync(at("b.other"), at("b.mcap"));
        catalogue.touch();
        meanwhile.push(catalogue.recordings());
      }
      return false;
    });
    expect((await catalogue.recordings()).length).toBe(1);
    expect((await catalogue.recordings()).length).toBe(2);
    expect((await meanwhile[0])?.length).toBe(2);
  });

  it("keeps an index that is believed only of files that have not changed", async () => {
    for (let n = 0; n < 20; n++) await writeRecording(at(`${n}.mcap`), idOf(n), { startedAtMs: 1e12 - n });
    const truth = await ids(new Catalogue(folder));
    expect(truth).toHaveLength(20);
    const index = JSON.parse(await readFile(at(INDEX), "utf8"));
    // It is used: what it says of an unchanged file is what is said.
    index.lines[0].summary.name = "only the index says so";
    await writeFile(at(INDEX), JSON.stringify(index));
    const names = async () => (await new Catalogue(folder).recordings()).map(({ summary }) => summary.name);
    expect(await names()).toContain("only the index says so");
    // It is not believed of a file whose time, size or inode differs.
    const changes: ((path: string) => Promise<void>)[] = [
      (path) => utimes(path, 1, 1),
      (path) => appendFile(path, "?"),
      async (path) => {
        const { atime, mtime } = await stat(path);
        await copyFile(path, `${path}.copy`);
        await utimes(`${path}.copy`, atime, mtime);
        await rename(`${path}.copy`, path);
      },
    ];
    for (const change of changes) {
      await writeFile(at(INDEX), JSON.stringify(index));
      await change(at(index.lines[0].file));
      expect(await names()).not.toContain("only the index says so");
    }
    // Without it, or with anything else in its place, it is made anew.
    for (const text of [
      "",
      "{}",
      '{"version":2,"lines":[]}',
      '{"version":1,"lines":[{"file":7}]}',
      "[".repeat(1000),
    ]) {
      await writeFile(at(INDEX), text);
      expect(await ids(new Catalogue(folder))).toEqual(truth);
      expect(JSON.parse(await readFile(at(INDEX), "utf8")).lines).toHaveLength(20);
    }
  });
});

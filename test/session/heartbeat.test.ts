import { mkdtemp, readdir, rm, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Catalogue } from "../../server/session/catalogue.ts";
import { SILENT_MS } from "../../server/session/heartbeat.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import { SessionLog } from "../../server/session/log.ts";
import { buildHeader } from "../support/build-header.ts";
import { eventually } from "../support/eventually.ts";
import { appendSteps } from "../support/write-steps.ts";

const ID = "1".repeat(32);
let folder: string;
let path: string;
/** Of another process: it knows nothing of the log but what the folder says. */
let library: SessionLibrary;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-heartbeat-"));
  path = join(folder, "a.mcap");
  library = new SessionLibrary({ catalogue: new Catalogue(folder) });
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await library.close();
  await rm(folder, { recursive: true });
});

const long = () => new Date(Date.now() - 2 * SILENT_MS);
const ageMs = async () => Date.now() - (await stat(path)).mtimeMs;

it("leaves alone what another process is writing, also while that writes nothing", async () => {
  const log = await SessionLog.create({ header: buildHeader({ id: ID }), path });
  await appendSteps(log, 20);
  await log.flush();
  await expect(library.remove(ID)).rejects.toMatchObject({ code: "live" });
  // A run that is paused writes nothing for hours.
  await utimes(path, long(), long());
  await vi.advanceTimersByTimeAsync(SILENT_MS / 3);
  await eventually(ageMs).toBeLessThan(SILENT_MS / 2);
  await expect(library.remove(ID)).rejects.toMatchObject({ code: "live" });
  await log.close();
  expect(await readdir(folder)).toEqual(["a.mcap"]);
});

it("deletes what its writer left without an end, once nobody has touched it for a while", async () => {
  const log = await SessionLog.create({ header: buildHeader({ id: ID }), path });
  await appendSteps(log, 20);
  await log.close();
  await utimes(path, long(), long());
  await vi.advanceTimersByTimeAsync(10 * SILENT_MS);
  await library.remove(ID);
  expect(await readdir(folder)).toEqual([]);
});

it("deletes what has an end at once", async () => {
  const log = await SessionLog.create({ header: buildHeader({ id: ID }), path });
  await appendSteps(log, 20);
  await log.finish("finished");
  await log.close();
  await library.remove(ID);
  expect(await readdir(folder)).toEqual([]);
});

/** A server while its first run is starting: for some seconds it is there, and nothing trains yet. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readCards, type ServerCard } from "../../server/commands/server-card.ts";
import { eventually } from "../support/eventually.ts";
import { CLI } from "../support/spawned-server.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-starting-"));
  vi.stubEnv("XDG_RUNTIME_DIR", join(folder, "cards"));
  vi.stubEnv("TMPDIR", join(folder, "tmp"));
  await mkdir(join(folder, "tmp"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** Listens, as its card says, and has said nothing yet. */
async function startServer(...args: string[]): Promise<{ child: ChildProcess; card: ServerCard }> {
  const child = spawn(process.execPath, [CLI, "train", "--preset", "spirals", "--port", "0", ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await eventually(readCards).toHaveLength(1);
  const [card] = await readCards();
  return { child, card: card as ServerCard };
}

const asked = ({ url, token }: ServerCard, path: string, body?: object) =>
  fetch(url + path, {
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });

it.each(["--no-record", "--sync=interval"])(
  "leaves nothing behind when it is interrupted (%s)",
  async (flag) => {
    const { child } = await startServer("--recordings", join(folder, "recordings"), flag);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await readdir(join(folder, "cards", "thalweg"))).toEqual([]);
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
    expect(await readdir(folder)).toEqual(["cards", "tmp"]);
  },
);

it("starts no second run beside it, and later none where its folder has become a file", async () => {
  const recordings = join(folder, "recordings");
  const { child, card } = await startServer("--recordings", recordings);
  const startRun = async () => {
    const answer = await asked(card, "/v1/sessions", { preset: "spirals", replace: true });
    return { status: answer.status, ...((await answer.json()) as { readonly error: object }) };
  };
  expect(await startRun()).toEqual({
    status: 409,
    error: { code: "busy", message: "another run is just starting" },
  });

  await eventually(async () => (await asked(card, "/v1/sessions/live")).status).toBe(200);
  await rename(recordings, `${recordings}.away`);
  await writeFile(recordings, "a file where a folder was");
  expect(await startRun()).toEqual({
    status: 404,
    error: { code: "not-found", message: "recordings: expected a folder, got a file" },
  });
  await rm(recordings);
  await rename(`${recordings}.away`, recordings);
  child.kill("SIGTERM");
  await once(child, "exit");
});

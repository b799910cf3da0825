import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { serve } from "../../server/commands/serve.ts";
import { readCards } from "../../server/commands/server-card.ts";
import { SessionLibrary } from "../../server/session/library.ts";

let folder: string;
const said = vi.spyOn(console, "error").mockImplementation(() => {});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-card-"));
  said.mockClear();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it("lies where commands of the same user find it, as long as the server is there", async () => {
  vi.stubEnv("XDG_RUNTIME_DIR", folder);
  const served = await serve(new SessionLibrary(), { port: 0 });
  expect((await readCards()).map(({ url }) => url)).toEqual([served.gateway.url]);
  await served.close();
  expect(await readdir(join(folder, "thalweg"))).toEqual([]);
  expect(said).not.toHaveBeenCalled();
});

it("is no reason not to serve where it cannot be left", async () => {
  vi.stubEnv("XDG_RUNTIME_DIR", "/dev/null/run");
  const served = await serve(new SessionLibrary(), { port: 0 });
  expect((await fetch(`${served.gateway.url}/healthz`)).status).toBe(200);
  expect(said.mock.calls).toEqual([
    [expect.stringMatching(/^thalweg: \/dev\/null\/run\/thalweg\/\d+\.json cannot be written \(ENOTDIR\)/)],
  ]);
  await served.close();
});

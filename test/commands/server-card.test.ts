import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { serve } from "../../server/commands/serve.ts";
import { readCards } from "../../server/commands/server-card.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import { MemorySession } from "../support/memory-session.ts";
import { runHere } from "../support/run-here.ts";
import { sessionHeader } from "../support/session-header.ts";

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

it("is taken away by whoever finds it, when its server was killed", async () => {
  vi.stubEnv("XDG_RUNTIME_DIR", folder);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const left = { url: "http://127.0.0.1:1", token: "t", pid, port: 1, fingerprint: null };
  await mkdir(join(folder, "thalweg"));
  await writeFile(join(folder, "thalweg", "1.json"), JSON.stringify(left));
  expect(await readCards()).toEqual([]);
  expect(await readdir(join(folder, "thalweg"))).toEqual([]);
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

it("finds, of several servers, the one that has what a command names", async () => {
  vi.stubEnv("XDG_RUNTIME_DIR", folder);
  const [a, b] = ["a", "b"].map((letter) => letter.repeat(32)) as [string, string];
  const session = (id: string, startedAtMs: number, isLive: boolean) => {
    const made = new MemorySession(sessionHeader({ id, startedAtMs }));
    if (!isLive) made.end("interrupted");
    return made;
  };
  // Each lists the run of the other, too, as the file in their folder.
  const libraries = [new SessionLibrary(), new SessionLibrary()] as const;
  libraries.forEach((library, i) => {
    library.add(session(a, 1_000, i === 0));
    library.add(session(b, 2_000, i === 1));
  });
  const servers = await Promise.all(libraries.map((library) => serve(library, { port: 0 })));
  const [urlOfA, urlOfB] = servers.map(({ gateway }) => gateway.url) as [string, string];
  const thalweg = async (...args: string[]) => {
    const { code, out, err } = await runHere(args);
    expect({ code, err }, args.join(" ")).toEqual({ code: 0, err: "" });
    return out;
  };
  try {
    const shared = [
      [await thalweg("share", "--session", a.slice(0, 8)), a, urlOfA],
      [await thalweg("share", "--session", b.slice(0, 8)), b, urlOfB],
      [await thalweg("share"), b, urlOfB],
    ] as const;
    for (const [out, id, url] of shared)
      expect(out).toMatch(new RegExp(`^${url}/launch\\?code=[\\w-]{43}#run=${id}\\n`));
    const ids = shared.map(([out]) => /--revoke (\w+)/.exec(out)?.[1] ?? "");
    const listed = (out: string) => out.split("\n").map((line) => line.split(" ")[0]);
    expect(listed(await thalweg("share", "--list"))).toEqual(expect.arrayContaining(ids));
    for (const id of ids) await thalweg("share", "--revoke", id);
    expect(await thalweg("share", "--list")).toBe("no share links\n");
    const opened = (await thalweg("open")).trimEnd().split("\n");
    expect(opened.map((url) => new URL(url).origin).sort()).toEqual([urlOfA, urlOfB].sort());

    for (const [args, sentence] of [
      [["--revoke", ids[0]], `share: expected the id of a share link that is good, got "${ids[0]}"`],
      [["--session", "c"], 'session: expected the id of one session, got "c", which none here has'],
      [["--session", ""], 'session: expected the id of one session, got "", which 2 have'],
    ] as const)
      expect((await runHere(["share", ...args.map(String)])).err).toBe(`thalweg: ${sentence}\n`);
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
});

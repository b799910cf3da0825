/** Commands about recordings, and a server that others may reach. */
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SILENT_MS } from "../../server/session/heartbeat.ts";
import { SessionLog } from "../../server/session/log.ts";
import { buildHeader } from "../support/build-header.ts";
import { MemorySession } from "../support/memory-session.ts";
import { runHere } from "../support/run-here.ts";
import { selfSigned } from "../support/self-signed.ts";
import { sessionHeader } from "../support/session-header.ts";
import { spawnServer, stop, TOKEN } from "../support/spawned-server.ts";
import { TOKEN as GATEWAY_TOKEN, testGateway } from "../support/test-gateway.ts";
import { writeRecording } from "../support/write-recording.ts";
import { appendSteps } from "../support/write-steps.ts";

const idOf = (n: number) => n.toString(16).padEnd(32, "0");
const DAY_MS = 86_400_000;

let folder: string;
let recordings: string;
/** Where servers leave their cards: those of other tests are none of this one's business. */
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-commands-"));
  recordings = join(folder, "recordings");
  env = { XDG_RUNTIME_DIR: folder };
  await mkdir(recordings);
  const now = Date.now();
  await writeRecording(join(recordings, "old.mcap"), idOf(1), {
    startedAtMs: now - 20 * DAY_MS,
    name: "old",
  });
  await writeRecording(join(recordings, "new.mcap"), idOf(2), { startedAtMs: now - DAY_MS, name: "new" });
  await writeRecording(join(recordings, "cut.mcap"), idOf(3), {
    startedAtMs: now - 30 * DAY_MS,
    name: "cut",
  });
  await truncate(join(recordings, "cut.mcap"), 6000);
  await writeFile(join(recordings, "none.mcap"), "none");
  await writeRecording(join(folder, "other.mcap"), idOf(4), { startedAtMs: now, name: "Other" });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]) => runHere([...args, "--recordings", recordings], env);

describe("without a server", { timeout: 60_000 }, () => {
  it("lists the recordings of a folder, and what it cannot read", async () => {
    const { code, out, err } = await run("sessions");
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^id +started +state +steps +size +title +file$/);
    expect(lines.slice(1).map((line) => line.split(/ {2,}/).at(-1))).toEqual([
      "new.mcap",
      "old.mcap",
      "cut.mcap",
    ]);
    expect(lines[3]).toMatch(/^30000000 .* interrupted .* cut +cut\.mcap$/);
    expect(err).toMatch(/^thalweg: none\.mcap: expected a recording.*\n$/);
    const { sessions } = JSON.parse((await run("sessions", "--json")).out);
    expect(sessions[1]).toMatchObject({
      id: idOf(1),
      name: "old",
      reason: "finished",
      live: false,
      file: "old.mcap",
    });
  });

  it("says what a recording holds, by the beginning of its id", async () => {
    const { out } = await run("info", "1000");
    expect(out).toMatch(/^title +old\nid +10{31}\n/);
    expect(out).toMatch(/samples +40 {2}train\/loss\n/);
    expect(out).toMatch(/samples +40 {2}train\/weights\n/);
    expect(JSON.parse((await run("info", "3", "--json")).out)).toMatchObject({
      header: { id: idOf(3) },
      status: { reason: "interrupted" },
      fault: expect.any(String),
    });
    for (const command of ["info", "replay", "verify", "hessian", "diff"])
      expect((await run(...[command, "7", ...(command === "diff" ? ["7"] : [])])).err).toMatch(
        new RegExp(`^thalweg: ${command}: expected a file, or the id of one recording, got "7"`),
      );
  });

  it("takes the name of a file as sessions prints it, and says in which places there is none", async () => {
    expect((await run("info", "old.mcap")).out).toMatch(/^title +old\n/);
    expect((await run("diff", "old.mcap", "1000")).out).toMatch(/^equal: /);
    expect((await run("info", "7.mcap")).err).toBe(
      `thalweg: 7.mcap: there is no such file here, nor in ${recordings}\n`,
    );
    expect((await run("info", "./7.mcap")).err).toMatch(/^thalweg: \.\/7\.mcap: there is no such file/);
  });

  it("says of a recording that is being written that it is, not that it was interrupted", async () => {
    const path = join(recordings, "cut.mcap");
    const touched = (msAgo: number) => {
      const seconds = (Date.now() - msAgo) / 1000;
      return utimes(path, seconds, seconds);
    };
    const copied = () => runHere(["recover", path, "--out", join(folder, "copy.mcap")], env);
    await touched(SILENT_MS);
    expect((await run("info", "3")).out).toMatch(/\nstate +interrupted, .*\nintact +up to /);
    expect((await copied()).err).toBe("");
    await rm(join(folder, "copy.mcap"));
    await touched(0);
    expect((await run("info", "3")).out).toMatch(/\nstate +being written, or cut off less than 15 s ago, /);
    expect((await copied()).err).toMatch(
      /^thalweg: .*cut\.mcap was written to in the last 15 s: if it still is being written, .*\n$/,
    );
    await rm(join(folder, "copy.mcap"));
    // A server of another process, as its card has it, which writes it.
    const gateway = await testGateway([new MemorySession(sessionHeader({ id: idOf(3) }))]);
    const { url, port } = gateway;
    const card = join(folder, "thalweg", `${port}.json`);
    await mkdir(join(folder, "thalweg"), { recursive: true });
    await writeFile(
      card,
      JSON.stringify({ url, token: GATEWAY_TOKEN, pid: process.ppid, port, fingerprint: null }),
    );
    try {
      const { out } = await run("info", "3");
      expect(out).toMatch(/\nstate +live, /);
      expect(out).not.toMatch(/interrupted|intact/);
      expect((await run("sessions")).out).toMatch(/^30000000 .* live .* cut\.mcap$/m);
      expect(JSON.parse((await run("info", "3", "--json")).out)).toMatchObject({ live: true });
    } finally {
      await rm(card);
      await gateway.close();
    }
  });

  it("groups steps and counts, and says of a run that was stopped after its last step what was stopped", async () => {
    const target = join(folder, "stopped");
    await mkdir(target);
    const header = buildHeader({ id: idOf(6), steps: 1499 });
    const log = await SessionLog.create({ header, path: join(target, "a.mcap") });
    await appendSteps(log, 1500);
    await log.finish("stopped");
    await log.close();
    const said = async (...args: string[]) => (await runHere([...args, "--recordings", target], env)).out;
    expect(await said("sessions")).toMatch(/ measuring stopped {2}1,499 of 1,499 /);
    const info = await said("info", "6");
    expect(info).toMatch(/\nstate +measuring stopped, step 1,499 of 1,499, 3,275 events\n/);
    expect(info).toMatch(/samples +1,500 {2}train\/loss\n/);
    expect(await said("diff", "6", "6")).toMatch(/^equal: 3,275 samples on 5 channels/);
  });

  it("takes in a recording, and not a second time", async () => {
    const { out } = await run("import", join(folder, "other.mcap"));
    expect(out).toBe(`${idOf(4)}  Other\n`);
    expect(await readdir(recordings)).toContainEqual(expect.stringMatching(/-other-40000000\.mcap$/));
    const again = await run("import", join(folder, "other.mcap"));
    expect([again.code, again.err]).toEqual([
      2,
      expect.stringMatching(/^thalweg: recording: expected a session that is not here/),
    ]);
  });

  it("takes in all parts of a recording, named once or one by one, and says where one is cut", async () => {
    const path = join(folder, "long.mcap");
    const log = await SessionLog.create({ header: buildHeader({ id: idOf(5) }), path, partBytes: 8_000 });
    await appendSteps(log, 200);
    await log.finish("finished");
    await log.close();
    const parts = (await readdir(folder)).filter((name) => name.startsWith("long."));
    expect(parts.length).toBeGreaterThan(2);
    const target = join(folder, "others");
    const bring = (files: string[]) => runHere(["import", ...files, "--recordings", target], env);
    const { code, out, err } = await bring(parts.map((name) => join(folder, name)));
    expect([code, out, err]).toEqual([0, `${idOf(5)}  a test  (${parts.length} parts)\n`, ""]);
    expect(
      JSON.parse((await runHere(["info", "5", "--json", "--recordings", target], env)).out),
    ).toMatchObject({
      status: { reason: "finished", step: 199 },
      fault: null,
    });
    const alone = await bring([join(folder, "long.2.mcap")]);
    expect([alone.code, alone.err]).toEqual([2, expect.stringMatching(/got part 2; open .*long\.mcap\n$/)]);
    await rm(target, { recursive: true });
    await rm(join(folder, "long.3.mcap"));
    const cut = await bring([path]);
    expect([cut.code, cut.out]).toEqual([0, `${idOf(5)}  a test  (2 parts)\n`]);
    expect(cut.err).toMatch(
      /^thalweg: taken as far as it is intact, up to .*long\.3\.mcap: there is no such file/,
    );
  });

  it("prunes by age and by size, but nothing that may still be written", async () => {
    const names = async () => (await readdir(recordings)).filter((name) => name.endsWith(".mcap")).length;
    const before = await names();
    // The cut one is older, but was written to a moment ago.
    await utimes(join(recordings, "cut.mcap"), new Date(), new Date());
    const dry = await run("prune", "--keep-days", "10", "--dry-run");
    expect(dry.out).toMatch(/^old\.mcap .*\nwould free .* of 1 recordings; .* of 3 stay\n$/);
    expect(await names()).toBe(before);
    await utimes(join(recordings, "cut.mcap"), new Date(), new Date());
    expect((await run("prune")).out).toMatch(/^freed 0 B of 0 recordings/);
    const silentSince = (Date.now() - SILENT_MS) / 1000;
    await utimes(join(recordings, "cut.mcap"), silentSince, silentSince);
    const { size } = await stat(join(recordings, "new.mcap"));
    const { out } = await run("prune", "--limit", `${2.5 * size}`);
    expect(out.split("\n").map((line) => line.split("  ")[0])).toEqual(
      expect.arrayContaining(["cut.mcap", "old.mcap"]),
    );
    expect(await readdir(recordings)).toContain("new.mcap");
    expect(await readdir(recordings)).not.toContain("old.mcap");
  });
});

it("serves a folder over TLS; its commands find it, and trust no other", { timeout: 60_000 }, async () => {
  const { cert, key } = selfSigned();
  await writeFile(join(folder, "cert.pem"), cert);
  await writeFile(join(folder, "key.pem"), key);
  const server = await spawnServer(
    [
      ...["replay", join(recordings, "new.mcap"), "--host", "0.0.0.0"],
      ...["--tls-cert", join(folder, "cert.pem"), "--tls-key", join(folder, "key.pem")],
    ],
    env,
  );
  try {
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:/);
    const ask = async (url: string, headers = {}): Promise<IncomingMessage> => {
      const request = httpsRequest(url, { headers, ca: cert, agent: false });
      request.end();
      return ((await once(request, "response")) as [IncomingMessage])[0];
    };
    const listed = JSON.parse(
      await text(await ask(`${server.url}/v1/sessions`, { authorization: `Bearer ${TOKEN}` })),
    );
    expect(listed.sessions.map(({ id }: { id: string }) => id)).toContain(idOf(2));
    const opened = await runHere(["open"], env);
    expect(opened.out).toMatch(new RegExp(`^${server.url}/launch\\?code=[\\w-]{43}\\n$`));
    const shared = await runHere(
      ["share", "--session", idOf(2).slice(0, 4), "--expires", "2h", "--origin", "https://lab.example"],
      env,
    );
    const [link = "", said = ""] = shared.out.split("\n");
    expect(link).toMatch(new RegExp(`^https://lab\\.example/launch\\?code=[\\w-]{43}#run=${idOf(2)}$`));
    const shareId = said.split(" ")[0] ?? "";
    expect(said).toContain("or until its server ends");
    expect(said).toContain(`thalweg share --revoke ${shareId}`);
    const code = new URL(link).searchParams.get("code");
    expect(
      (await ask(`${server.url}/v1/sessions/${idOf(2)}`, { authorization: `Bearer ${code}` })).statusCode,
    ).toBe(200);
    expect((await runHere(["share", "--revoke", shareId], env)).code).toBe(0);
    expect(
      (await ask(`${server.url}/v1/sessions/${idOf(2)}`, { authorization: `Bearer ${code}` })).statusCode,
    ).toBe(401);
    // Another certificate on the card: whoever answers there is not the server, and is not told the token.
    const card = join(folder, "thalweg", `${new URL(server.url).port}.json`);
    const { fingerprint, ...rest } = JSON.parse(await readFile(card, "utf8"));
    await writeFile(card, JSON.stringify({ ...rest, fingerprint: fingerprint.replace(/^../, "00") }));
    expect((await runHere(["open"], env)).err).toMatch(/^thalweg: open: no Thalweg server of yours answers/);
    expect(server.output()).not.toContain(TOKEN);
  } finally {
    expect(await stop(server)).toBe(0);
  }
});

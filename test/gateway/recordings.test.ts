import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Catalogue } from "../../server/session/catalogue.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import { MemorySession } from "../support/memory-session.ts";
import { sessionHeader } from "../support/session-header.ts";
import { READ_TOKEN, type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";
import { writeRecording } from "../support/write-recording.ts";

const [RECORDED, LIVE, NEW] = ["a".repeat(32), "b".repeat(32), "c".repeat(32)] as const;

let folder: string;
let library: SessionLibrary;
let gateway: TestGateway;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-recordings-"));
  await writeRecording(join(folder, "a.mcap"), RECORDED);
  library = new SessionLibrary({ catalogue: new Catalogue(folder) });
  gateway = await testGateway([new MemorySession(sessionHeader({ id: LIVE }))], { library });
});
afterEach(async () => {
  await gateway.close();
  await library.close();
  await rm(folder, { recursive: true });
});

const ids = async () => {
  const { sessions } = (await (await gateway.get("/v1/sessions")).json()) as {
    sessions: { id: string; name: string }[];
  };
  return sessions.map(({ id, name }) => [id, name]);
};

async function answered(path: string, init: RequestInit): Promise<[number, string | undefined]> {
  const answer = await gateway.get(path, init);
  const text = await answer.text();
  return [
    answer.status,
    text === "" ? undefined : (JSON.parse(text) as { error?: { code: string } }).error?.code,
  ];
}

const patch = (name: unknown) => ({
  method: "PATCH",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ name }),
});

it("gives a recording another title, and a live one none", async () => {
  expect(await answered(`/v1/sessions/${RECORDED}`, patch("  Run 7: η = 0.2  "))).toEqual([200, undefined]);
  expect(await ids()).toContainEqual([RECORDED, "Run 7: η = 0.2"]);
  expect(await answered(`/v1/sessions/${LIVE}`, patch("x"))).toEqual([409, "live"]);
  expect(await answered(`/v1/sessions/${NEW}`, patch("x"))).toEqual([404, "unknown-session"]);
  for (const name of ["", "   ", "x".repeat(121), "two\nlines", 7, undefined]) {
    expect(await answered(`/v1/sessions/${RECORDED}`, patch(name))).toEqual([400, "bad-body"]);
  }
});

it("deletes a recording, and a live one not", async () => {
  expect(await answered(`/v1/sessions/${LIVE}`, { method: "DELETE" })).toEqual([409, "live"]);
  expect(await answered(`/v1/sessions/${RECORDED}`, { method: "DELETE" })).toEqual([204, undefined]);
  expect(await readdir(folder)).toEqual([]);
  expect(await answered(`/v1/sessions/${RECORDED}`, { method: "DELETE" })).toEqual([404, "unknown-session"]);
});

it("does none of this with a token that may only read", async () => {
  const headers = { authorization: `Bearer ${READ_TOKEN}` };
  for (const [method, path] of [
    ["PATCH", `/v1/sessions/${RECORDED}`],
    ["DELETE", `/v1/sessions/${RECORDED}`],
    ["POST", "/v1/recordings"],
  ] as const) {
    expect(await answered(path, { method, headers })).toEqual([403, "forbidden"]);
  }
  expect(await readdir(folder)).toEqual(["a.mcap"]);
});

const upload = (bytes: Uint8Array) => ({
  method: "POST",
  headers: { "content-type": "application/octet-stream" },
  body: new Uint8Array(bytes),
});

it("takes in a recording that is uploaded, once", async () => {
  const path = join(folder, "..", `${NEW}.mcap`);
  await writeRecording(path, NEW, { name: "uploaded" });
  const bytes = await readFile(path);
  await rm(path);
  const answer = await gateway.get("/v1/recordings", upload(bytes));
  expect(answer.status).toBe(201);
  expect(answer.headers.get("location")).toBe(`/v1/sessions/${NEW}`);
  expect(await answer.json()).toMatchObject({ id: NEW, name: "uploaded", reason: "finished" });
  const back = await gateway.get(`/v1/sessions/${NEW}/recording.mcap`);
  expect(Buffer.from(await back.arrayBuffer())).toEqual(bytes);
  expect(await answered("/v1/recordings", upload(bytes))).toEqual([409, "exists"]);
  const bent = Buffer.from(bytes);
  bent[200] = 0xff - (bent[200] ?? 0);
  expect(await answered("/v1/recordings", upload(bent))).toEqual([422, "damaged"]);
  expect(await answered("/v1/recordings", upload(Buffer.from("not one")))).toEqual([422, "not-a-recording"]);
  expect(await answered("/v1/recordings", patch("x") && { ...patch("x"), method: "POST" })).toEqual([
    415,
    "unsupported-media-type",
  ]);
  expect((await readdir(folder)).length).toBe(2);
});

it("does not read more than it takes: by what is announced, and by what comes", async () => {
  const small = await testGateway([], { library, limits: { importBytes: 10_000 } });
  const begin = (headers: Record<string, string>) =>
    httpRequest({
      host: "127.0.0.1",
      port: small.port,
      method: "POST",
      path: "/v1/recordings",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/octet-stream", ...headers },
    });
  const announced = begin({ "content-length": "10001" });
  announced.on("error", () => {});
  announced.write("x");
  const [refused] = (await once(announced, "response")) as [IncomingMessage];
  expect(refused.statusCode).toBe(413);
  announced.destroy();
  const endless = begin({ "transfer-encoding": "chunked" });
  endless.on("error", () => {});
  const responded = once(endless, "response") as Promise<[IncomingMessage]>;
  for (let i = 0; i < 20; i++) endless.write(Buffer.alloc(1000));
  expect((await responded)[0].statusCode).toBe(413);
  endless.destroy();
  expect(await readdir(folder)).toEqual(["a.mcap"]);
  await small.close();
});

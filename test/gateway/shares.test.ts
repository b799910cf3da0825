import { afterEach, beforeEach, expect, it } from "vitest";
import { Auth } from "../../server/gateway/auth.ts";
import { MemorySession } from "../support/memory-session.ts";
import { sessionHeader } from "../support/session-header.ts";
import { TestClient } from "../support/test-client.ts";
import { READ_TOKEN, type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";

const [SHARED, OTHER] = ["a".repeat(32), "b".repeat(32)] as const;

let nowMs: number;
let gateway: TestGateway;
let shared: MemorySession;

beforeEach(async () => {
  nowMs = 1_000_000;
  const auth = new Auth({ token: TOKEN, readToken: READ_TOKEN, now: () => nowMs });
  shared = new MemorySession(sessionHeader({ id: SHARED, startedAtMs: 1 }));
  shared.append({ channel: "train/loss", step: 0, value: 1 });
  const other = new MemorySession(sessionHeader({ id: OTHER, startedAtMs: 2 }));
  gateway = await testGateway([shared, other], { auth, startRun: async () => ({ id: OTHER }) });
});
afterEach(() => gateway.close());

async function share(body: object, token = TOKEN): Promise<Response> {
  return gateway.get("/v1/shares", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
}

async function made(
  body: object = { session: SHARED },
): Promise<{ id: string; url: string; code: string; expiresAtMs: number }> {
  const answer = (await (await share(body)).json()) as { id: string; url: string; expiresAtMs: number };
  return { ...answer, code: new URL(answer.url).searchParams.get("code") ?? "" };
}

/** By the link, as a browser: the cookie it leaves. */
async function follow(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; cookie: string }> {
  const answer = await fetch(url, { headers });
  return { status: answer.status, cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "" };
}

const statusOf = async (path: string, headers: Record<string, string>, init: RequestInit = {}) =>
  (await fetch(gateway.url + path, { ...init, headers: { ...headers, ...(init.headers as object) } })).status;

it("a share link shows one session to any number of browsers, for reading only", async () => {
  const { url, code } = await made();
  expect(new URL(url).hash).toBe(`#run=${SHARED}`);
  const [one, two] = [await follow(url), await follow(url)];
  expect([one.status, two.status]).toEqual([200, 200]);
  for (const visitor of [
    { cookie: one.cookie },
    { cookie: two.cookie },
    { authorization: `Bearer ${code}` },
  ]) {
    const listed = (await (await fetch(`${gateway.url}/v1/sessions`, { headers: visitor })).json()) as {
      sessions: { id: string }[];
    };
    expect(listed.sessions.map(({ id }) => id)).toEqual([SHARED]);
    expect(await statusOf(`/v1/sessions/${SHARED}`, visitor)).toBe(200);
    expect(await statusOf("/v1/sessions/live", visitor)).toBe(200);
    expect(await statusOf(`/v1/sessions/${OTHER}`, visitor)).toBe(404);
    expect(await statusOf(`/v1/sessions/${OTHER}/samples?channel=*`, visitor)).toBe(404);
    const json = { "content-type": "application/json" };
    for (const [method, path, body] of [
      ["POST", "/v1/sessions", "{}"],
      ["PATCH", `/v1/sessions/${SHARED}`, '{"name":"mine"}'],
      ["DELETE", `/v1/sessions/${SHARED}`, undefined],
      ["POST", "/v1/shares", "{}"],
      ["GET", "/v1/shares", undefined],
      ["POST", "/v1/launch-codes", undefined],
    ] as const) {
      const status = await statusOf(
        path,
        visitor,
        body === undefined ? { method } : { method, body, headers: json },
      );
      expect([method, path, status]).toEqual([method, path, 403]);
    }
    const client = await TestClient.open(gateway.url, { headers: visitor });
    client.send({ op: "list" });
    expect((await client.next("sessions")).sessions.map(({ id }) => id)).toEqual([SHARED]);
    client.send({ op: "subscribe", id: 1, session: OTHER, channels: ["*"] });
    expect((await client.next("error")).code).toBe("unknown-session");
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["*"] });
    expect((await client.next("samples")).samples).toHaveLength(1);
    client.send({ op: "control", session: SHARED, action: "stop" });
    expect((await client.next("error")).code).toBe("forbidden");
    await client.close();
  }
});

it("ends when it is taken back, at once and for everybody who came by it", async () => {
  const [kept, revoked] = [await made(), await made()];
  const { cookie } = await follow(revoked.url);
  const clients = await Promise.all(
    [{ cookie }, { authorization: `Bearer ${revoked.code}` }].map((headers) =>
      TestClient.open(gateway.url, { headers }),
    ),
  );
  const bystander = await TestClient.open(gateway.url, { token: kept.code });
  const gone = await gateway.get(`/v1/shares/${revoked.id}`, { method: "DELETE" });
  expect(gone.status).toBe(204);
  for (const client of clients) expect(await client.closed()).toBe(4001);
  for (const headers of [{ cookie }, { authorization: `Bearer ${revoked.code}` }] as Record<
    string,
    string
  >[]) {
    expect(await statusOf(`/v1/sessions/${SHARED}`, headers)).toBe(401);
  }
  expect((await follow(revoked.url)).status).toBe(401);
  await bystander.settle();
  expect((await gateway.get(`/v1/shares/${revoked.id}`, { method: "DELETE" })).status).toBe(404);
  const { shares } = (await (await gateway.get("/v1/shares")).json()) as { shares: object[] };
  // Without its secret.
  expect(shares).toEqual([{ id: kept.id, session: SHARED, expiresAtMs: kept.expiresAtMs }]);
  await bystander.close();
});

it("expires, and takes with it what came by it", async () => {
  const { url, code, expiresAtMs } = await made({ session: SHARED, expiresInSeconds: 3600 });
  expect(expiresAtMs).toBe(nowMs + 3_600_000);
  const { cookie } = await follow(url);
  nowMs = expiresAtMs - 1;
  expect(await statusOf(`/v1/sessions/${SHARED}`, { cookie })).toBe(200);
  nowMs = expiresAtMs;
  expect(await statusOf(`/v1/sessions/${SHARED}`, { cookie })).toBe(401);
  expect(await statusOf(`/v1/sessions/${SHARED}`, { authorization: `Bearer ${code}` })).toBe(401);
  expect((await follow(url)).status).toBe(401);
  expect(await (await gateway.get("/v1/shares")).json()).toEqual({ shares: [] });
});

it("is made for sessions that there are, for a bounded time, by those who may control", async () => {
  expect((await share({ session: SHARED }, READ_TOKEN)).status).toBe(403);
  expect((await share({ session: "c".repeat(32) })).status).toBe(404);
  for (const body of [{ expiresInSeconds: 59 }, { expiresInSeconds: 1e9 }, { expires: "1d" }, 7]) {
    expect((await share(body as object)).status).toBe(400);
  }
});

it("takes nothing from a browser that may see everything", async () => {
  const { url } = await made();
  const launched = await follow(gateway.createLaunchUrl());
  const looked = await follow(url, { cookie: launched.cookie });
  expect(looked).toEqual({ status: 200, cookie: "" });
  expect(await statusOf(`/v1/sessions/${OTHER}`, { cookie: launched.cookie })).toBe(200);
});

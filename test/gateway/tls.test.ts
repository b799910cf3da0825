import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { MemorySession } from "../support/memory-session.ts";
import { selfSigned } from "../support/self-signed.ts";
import { sessionHeader } from "../support/session-header.ts";
import { type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
let cert: string;

beforeAll(async () => {
  const pair = selfSigned();
  cert = pair.cert;
  const tls = { cert: Buffer.from(pair.cert), key: Buffer.from(pair.key) };
  gateway = await testGateway([new MemorySession(sessionHeader())], { tls });
});
afterAll(() => gateway.close());

/** The certificate is checked, as a browser that trusts it would: name, address, dates and signature. */
async function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const request = httpsRequest(`${gateway.url}${path}`, { method, headers, ca: cert, agent: false });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

it("is served over https, with a cookie that goes nowhere else", async () => {
  expect(gateway.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const authorization = `Bearer ${TOKEN}`;
  const listed = await ask("GET", "/v1/sessions", { authorization });
  expect(JSON.parse(await text(listed))).toMatchObject({ sessions: [{ name: "test" }] });
  const launched = await ask("GET", gateway.createLaunchUrl().replace(gateway.url, ""));
  const [cookie = ""] = launched.headers["set-cookie"] ?? [];
  launched.resume();
  expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Secure$/);
  const inside = await ask("GET", "/v1/sessions", { cookie: cookie.split(";")[0] ?? "" });
  inside.resume();
  expect(inside.statusCode).toBe(200);
  const link = await ask("POST", "/v1/launch-codes", { authorization, origin: gateway.url });
  expect(JSON.parse(await text(link)).url).toMatch(/^https:/);
});

it("streams over wss", async () => {
  const socket = new WebSocket(`${gateway.url.replace("https", "wss")}/v1/stream`, "thalweg.v1", {
    headers: { authorization: `Bearer ${TOKEN}`, origin: gateway.url },
    ca: cert,
  });
  const [message] = (await once(socket, "message")) as [Buffer];
  expect(JSON.parse(String(message))).toMatchObject({ op: "welcome" });
  socket.terminate();
});

it("does not answer in the clear", async () => {
  await expect(fetch(gateway.url.replace("https", "http"))).rejects.toThrow();
});

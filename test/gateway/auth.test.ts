import { createHash } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import { Auth, createToken } from "../../server/gateway/auth.ts";
import { MemorySession } from "../support/memory-session.ts";
import { sessionHeader } from "../support/session-header.ts";
import { TestClient } from "../support/test-client.ts";
import { READ_TOKEN, type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let gateway: TestGateway | undefined;

afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
});

it("a launch code is good once, within ten minutes", () => {
  let nowMs = 0;
  const auth = new Auth({ token: TOKEN, now: () => nowMs });
  const { code, expiresAtMs } = auth.createLaunchCode();
  expect(expiresAtMs).toBe(10 * MINUTE_MS);
  expect(auth.redeem("another")).toBeNull();
  nowMs = 10 * MINUTE_MS - 1;
  expect(auth.redeem(code)).not.toBeNull();
  expect(auth.redeem(code)).toBeNull();
  const late = auth.createLaunchCode().code;
  nowMs += 10 * MINUTE_MS;
  expect(auth.redeem(late)).toBeNull();
});

it("tokens are 32 random bytes, and short ones are refused", () => {
  expect(Buffer.from(createToken(), "base64url").length).toBe(32);
  expect(createToken()).not.toBe(createToken());
  expect(() => new Auth({ token: "short" })).toThrow(/^token: expected 16 to 512 characters/);
  expect(() => new Auth({ token: TOKEN, readToken: `${READ_TOKEN} ` })).toThrow(/^readToken: /);
});

it("the launch link signs a browser in: a cookie of this port, out of reach of scripts and other sites", async () => {
  gateway = await testGateway([]);
  const url = gateway.createLaunchUrl();
  expect(url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${gateway.port}/launch\\?code=[\\w-]{43}$`));
  expect((await fetch(url, { method: "HEAD" })).status).not.toBe(200);
  const launched = await fetch(url, { redirect: "manual" });
  expect(launched.status).toBe(200);
  // Not a redirect: SameSite=Strict would withhold the new cookie from it after a click on another site.
  const page = await launched.text();
  expect(page).toContain(`http-equiv="refresh" content="0;url=/"`);
  const script = /<script>(.*)<\/script>/.exec(page)?.[1] ?? "";
  expect(script).toBe('location.replace("/"+location.hash)');
  const allowed = createHash("sha256").update(script).digest("base64");
  expect(launched.headers.get("content-security-policy")).toContain(`script-src 'self' 'sha256-${allowed}'`);
  const setCookie = launched.headers.get("set-cookie") ?? "";
  expect(setCookie).toMatch(
    new RegExp(`^thalweg_${gateway.port}=[\\w-]{43}; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict$`),
  );
  const cookie = setCookie.split(";")[0] ?? "";
  expect((await fetch(`${gateway.url}/v1/sessions`, { headers: { cookie } })).status).toBe(200);
  expect((await fetch(url, { headers: { accept: "text/html" } })).status).toBe(401);
  // Back and reload, in the browser that is inside already.
  expect((await fetch(url, { headers: { cookie } })).status).toBe(200);
  const client = new TestClient(gateway.url, { headers: { cookie, origin: gateway.url } });
  expect(await client.next("welcome")).toMatchObject({ scopes: ["read", "control"] });
  await client.close();
});

it("a token makes launch links of its own scope", async () => {
  gateway = await testGateway([]);
  const made = await gateway.get("/v1/launch-codes", {
    method: "POST",
    headers: { authorization: `Bearer ${READ_TOKEN}` },
  });
  expect(made.status).toBe(201);
  const { url, expiresAtMs } = (await made.json()) as { url: string; expiresAtMs: number };
  expect(expiresAtMs).toBeGreaterThan(Date.now());
  const cookie = (await fetch(url)).headers.get("set-cookie")?.split(";")[0] ?? "";
  const client = new TestClient(gateway.url, { headers: { cookie } });
  expect(await client.next("welcome")).toMatchObject({ scopes: ["read"] });
  await client.close();
});

it("a page without a session says how to get in", async () => {
  gateway = await testGateway([]);
  const page = await fetch(`${gateway.url}/`, { headers: { accept: "text/html,*/*" } });
  expect(page.status).toBe(401);
  expect(page.headers.get("content-type")).toContain("text/html");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
  const text = await page.text();
  expect(text).toContain("npm run thalweg -- open");
  expect(text).not.toContain("<script");
  const api = await fetch(`${gateway.url}/v1/sessions`);
  expect(api.headers.get("www-authenticate")).toContain("Bearer");
  expect(await api.json()).toMatchObject({ error: { code: "unauthorized" } });
});

it("a browser's socket is closed with 4001 when its session has expired", async () => {
  let nowMs = 0;
  const auth = new Auth({ token: TOKEN, now: () => nowMs });
  gateway = await testGateway([new MemorySession(sessionHeader())], { auth, limits: { pingMs: 5 } });
  const secret = auth.redeem(auth.createLaunchCode().code) ?? "";
  const cookie = auth.setCookie(gateway.port, secret).split(";")[0] ?? "";
  const browser = await TestClient.open(gateway.url, { headers: { cookie } });
  const tool = await gateway.connect();
  nowMs = 7 * DAY_MS - 1;
  await browser.settle();
  nowMs = 7 * DAY_MS;
  expect(await browser.closed()).toBe(4001);
  expect((await fetch(`${gateway.url}/v1/sessions`, { headers: { cookie } })).status).toBe(401);
  await tool.settle();
  await tool.close();
});

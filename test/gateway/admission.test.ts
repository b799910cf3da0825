import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { Doors } from "../../server/gateway/doors.ts";
import { eventually } from "../support/eventually.ts";
import { MemorySession } from "../support/memory-session.ts";
import { sessionHeader } from "../support/session-header.ts";
import { READ_TOKEN, type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
let cookie: string;

beforeAll(async () => {
  const session = new MemorySession(sessionHeader());
  gateway = await testGateway([session], {
    allowOrigins: ["https://notebook.example"],
    allowHosts: ["lab.example", "one.example:8080"],
    startRun: async () => ({ id: session.header.id }),
  });
  const secret = gateway.auth.redeem(gateway.auth.createLaunchCode().code) ?? "";
  cookie = gateway.auth.setCookie(gateway.port, secret).split(";")[0] ?? "";
});

afterAll(() => gateway.close());

type Headers = Record<string, string>;

/** fetch may set neither Host nor Origin. */
async function ask(method: string, path: string, headers: Headers): Promise<IncomingMessage> {
  const request = httpRequest({ host: "127.0.0.1", port: gateway.port, method, path, headers, agent: false });
  request.end(method === "POST" && path === "/v1/sessions" ? "{}" : undefined);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "close");
  return response;
}

async function upgrade(headers: Headers, protocols: string[]): Promise<{ status: number; protocol: string }> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/v1/stream`, protocols, { headers });
  const refused = new Promise<number>((resolve) => {
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
  socket.on("error", () => {});
  const status = await Promise.race([once(socket, "open").then(() => 101), refused]);
  const { protocol } = socket;
  socket.terminate();
  return { status, protocol };
}

const tokens: { name: string; headers: () => Headers; isGood: boolean; controls: boolean }[] = [
  { name: "none", headers: () => ({}), isGood: false, controls: false },
  {
    name: "bad",
    headers: () => ({ authorization: "Bearer wrong-token-0123456789" }),
    isGood: false,
    controls: false,
  },
  { name: "empty", headers: () => ({ authorization: "Bearer " }), isGood: false, controls: false },
  { name: "basic", headers: () => ({ authorization: `Basic ${TOKEN}` }), isGood: false, controls: false },
  { name: "good", headers: () => ({ authorization: `Bearer ${TOKEN}` }), isGood: true, controls: true },
  { name: "read", headers: () => ({ authorization: `Bearer ${READ_TOKEN}` }), isGood: true, controls: false },
  { name: "cookie", headers: () => ({ cookie: `other=1; ${cookie}` }), isGood: true, controls: true },
  {
    name: "cookie of another port",
    headers: () => ({ cookie: cookie.replace(/_\d+=/, "_1=") }),
    isGood: false,
    controls: false,
  },
  {
    name: "bad token beside a good cookie",
    headers: () => ({ cookie, authorization: "Bearer wrong-token-0123456789" }),
    isGood: false,
    controls: false,
  },
];
const here = () => `127.0.0.1:${gateway.port}`;
const origins: { origin: () => string | undefined; isAllowed: (host: string) => boolean }[] = [
  { origin: () => undefined, isAllowed: () => true },
  { origin: () => `http://${here()}`, isAllowed: (host) => host === here() },
  { origin: () => "https://notebook.example", isAllowed: () => true },
  { origin: () => "https://evil.example", isAllowed: (host) => host === "evil.example" },
  { origin: () => "http://127.0.0.1:1", isAllowed: () => false },
  { origin: () => "null", isAllowed: () => false },
];
const hosts: { host: () => string; isAllowed: boolean }[] = [
  { host: here, isAllowed: true },
  { host: () => "localhost", isAllowed: true },
  { host: () => "[::1]:99", isAllowed: true },
  { host: () => "lab.example:1234", isAllowed: true },
  { host: () => "one.example:8080", isAllowed: true },
  { host: () => "one.example:8081", isAllowed: false },
  { host: () => "evil.example", isAllowed: false },
  { host: () => "127.0.0.1.evil.example", isAllowed: false },
  { host: () => "localhost@evil.example", isAllowed: false },
];

/** A page of an allowed site comes with a token, whatever cookies the browser adds. */
const isForeignCookie = (token: string, from: string | undefined) =>
  token === "cookie" && from === "https://notebook.example";

describe("token × Origin × Host", () => {
  it("gives the socket exactly the promised status", async () => {
    let asked = 0;
    for (const token of tokens) {
      for (const { origin, isAllowed: allowsOrigin } of origins) {
        for (const { host, isAllowed: allowsHost } of hosts) {
          const from = origin();
          const headers = {
            ...token.headers(),
            host: host(),
            ...(from === undefined ? {} : { origin: from }),
          };
          const { status } = await upgrade(headers, ["thalweg.v1"]);
          const isGood = token.isGood && !isForeignCookie(token.name, from);
          const expected = !isGood ? 401 : !allowsOrigin(host()) ? 403 : !allowsHost ? 421 : 101;
          expect({ token: token.name, from, host: host(), status }).toMatchObject({ status: expected });
          asked++;
        }
      }
    }
    expect(asked).toBe(486);
  });

  it("gives HTTP exactly the promised status, method by method", async () => {
    const routes: { method: string; path: string; ok: number; controls: boolean }[] = [
      { method: "GET", path: "/v1/sessions", ok: 200, controls: false },
      { method: "HEAD", path: "/v1/sessions", ok: 200, controls: false },
      { method: "GET", path: "/nothing", ok: 404, controls: false },
      { method: "POST", path: "/v1/launch-codes", ok: 201, controls: false },
      { method: "DELETE", path: "/v1/sessions", ok: 404, controls: false },
    ];
    for (const { method, path, ok } of routes) {
      for (const token of tokens) {
        for (const { origin, isAllowed: allowsOrigin } of origins) {
          for (const { host, isAllowed: allowsHost } of hosts.slice(0, 7)) {
            const from = origin();
            const headers = {
              ...token.headers(),
              host: host(),
              ...(from === undefined ? {} : { origin: from }),
            };
            const isChange = method !== "GET" && method !== "HEAD";
            const { statusCode } = await ask(method, path, headers);
            const isRefused = isChange && !allowsOrigin(host());
            const isGood = token.isGood && !isForeignCookie(token.name, from);
            const expected = !isGood ? 401 : isRefused ? 403 : !allowsHost ? 421 : ok;
            expect({ method, path, token: token.name, from, host: host(), statusCode }).toMatchObject({
              statusCode: expected,
            });
          }
        }
      }
    }
  });

  it("starts runs only for the control scope", async () => {
    for (const token of tokens) {
      const headers = { ...token.headers(), "content-type": "application/json" };
      const { statusCode } = await ask("POST", "/v1/sessions", headers);
      expect([token.name, statusCode]).toEqual([token.name, token.controls ? 201 : token.isGood ? 403 : 401]);
    }
  });
});

describe("the socket's door", () => {
  it("asks for the subprotocol before anything else, and never echoes the bearer", async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await upgrade(headers, [])).status).toBe(400);
    expect((await upgrade({}, ["thalweg.v2"])).status).toBe(400);
    expect((await upgrade({}, [`bearer.${TOKEN}`])).status).toBe(400);
    expect((await upgrade({}, ["thalweg.v1", "bearer.wrong-token-0123456789"])).status).toBe(401);
    expect(await upgrade({}, [`bearer.${TOKEN}`, "thalweg.v1"])).toEqual({
      status: 101,
      protocol: "thalweg.v1",
    });
  });

  it("is at /v1/stream only", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/v1/other`, ["thalweg.v1"]);
    socket.on("error", () => {});
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(404);
    socket.terminate();
  });

  it("answers 503 when all places are taken, and lets the next in when one is free", async () => {
    const small = await testGateway([], { limits: { maxConnections: 2 } });
    const first = await small.connect();
    const second = await small.connect();
    const socket = new WebSocket(`ws://127.0.0.1:${small.port}/v1/stream`, ["thalweg.v1", `bearer.${TOKEN}`]);
    socket.on("error", () => {});
    const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(503);
    socket.terminate();
    await first.close();
    await eventually(() => small.connections).toBe(1);
    await (await small.connect()).close();
    await second.close();
    await small.close();
  });
});

describe("other sites", () => {
  it("may read with a token where they are allowed, and nowhere else", async () => {
    const headers = { origin: "https://notebook.example", host: here() };
    const preflight = await ask("OPTIONS", "/v1/sessions", headers);
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers["access-control-allow-origin"]).toBe("https://notebook.example");
    expect(preflight.headers["access-control-allow-credentials"]).toBeUndefined();
    const evil = { origin: "https://evil.example", host: here() };
    const refused = await ask("OPTIONS", "/v1/sessions", evil);
    expect(refused.statusCode).toBe(401);
    const read = await ask("GET", "/v1/sessions", { ...evil, authorization: `Bearer ${TOKEN}` });
    expect(read.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("are here only where the page's own address is the one that was asked", async () => {
    const doors = new Doors({
      host: "127.0.0.1",
      allowHosts: [],
      allowOrigins: ["http://127.0.0.1:8888", "https://lab.example"],
    });
    expect(doors.isCookieAllowed(undefined, "127.0.0.1:4242")).toBe(true);
    // Another port of this machine is another site, though its cookies are not.
    expect(doors.isCookieAllowed("http://127.0.0.1:8888", "127.0.0.1:4242")).toBe(false);
    expect(doors.isCookieAllowed("http://127.0.0.1:8888", "127.0.0.1:8888")).toBe(true);
    expect(doors.isCookieAllowed("https://lab.example", "lab.example")).toBe(true);
  });
});

/** Who is let in: token × Origin × Host × route, in every combination of which some are drawn, each against a table of its own. */
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { createRandom } from "../../server/numerics/random.ts";
import { ROUTES } from "../../shared/routes.ts";
import { MemorySession } from "../support/memory-session.ts";
import { sessionHeader } from "../support/session-header.ts";
import { READ_TOKEN, TOKEN, testGateway } from "../support/test-gateway.ts";
import { type Check, Failures, type Outcome } from "./check.ts";

export const door: Check = {
  name: "gateway/door",
  unit: "requests",
  fast: 200,
  full: 200,
  must: "exactly the status that the table says",
  run,
};

const [SHARED, OTHER] = ["a".repeat(32), "b".repeat(32)] as const;
/** Of the evil site the Host header may be right, when its name points here. */
const ORIGINS = ["none", "own", "allowed", "evil", "null"] as const;
const HOSTS = ["own", "localhost", "allowed", "evil", "missing"] as const;
type Rank = "nobody" | "shared" | "reader" | "owner";

interface Target {
  readonly method: string;
  readonly path: string;
  /** Status for whoever passes the door. */
  readonly statuses: Readonly<Record<Exclude<Rank, "nobody">, number>>;
}

const all = (status: number) => ({ shared: status, reader: status, owner: status });
const owners = (status: number) => ({ shared: 403, reader: 403, owner: status });

/** Written out: a table made of the routes would agree with whatever they say. */
const TARGETS: readonly Target[] = [
  { method: "GET", path: "/v1/sessions", statuses: all(200) },
  { method: "HEAD", path: "/v1/sessions", statuses: all(200) },
  { method: "GET", path: `/v1/sessions/${SHARED}`, statuses: all(200) },
  { method: "GET", path: `/v1/sessions/${OTHER}`, statuses: { shared: 404, reader: 200, owner: 200 } },
  {
    method: "GET",
    path: `/v1/sessions/${OTHER}/samples?channel=*`,
    statuses: { shared: 404, reader: 200, owner: 200 },
  },
  { method: "GET", path: `/v1/sessions/${SHARED}/samples?channel=*&limit=1`, statuses: all(200) },
  { method: "GET", path: `/v1/sessions/${SHARED}/weights?step=0`, statuses: all(404) },
  { method: "GET", path: `/v1/sessions/${SHARED}/recording.mcap`, statuses: all(404) },
  { method: "GET", path: "/v1/presets", statuses: all(200) },
  { method: "GET", path: "/v1/openapi.json", statuses: all(200) },
  { method: "GET", path: "/metrics", statuses: { shared: 403, reader: 200, owner: 200 } },
  { method: "GET", path: "/v1/stream", statuses: all(426) },
  { method: "GET", path: "/v1/nothing", statuses: all(404) },
  { method: "GET", path: "/v1/shares", statuses: owners(200) },
  { method: "POST", path: "/v1/shares", statuses: owners(201) },
  { method: "DELETE", path: "/v1/shares/unknown", statuses: owners(404) },
  { method: "POST", path: "/v1/sessions", statuses: owners(201) },
  { method: "PATCH", path: `/v1/sessions/${SHARED}`, statuses: owners(409) },
  { method: "DELETE", path: `/v1/sessions/${SHARED}`, statuses: owners(409) },
  { method: "POST", path: "/v1/recordings", statuses: owners(415) },
  { method: "POST", path: "/v1/launch-codes", statuses: { shared: 403, reader: 201, owner: 201 } },
  { method: "PUT", path: "/v1/sessions", statuses: all(404) },
];

async function run(count: number, seed: number): Promise<Outcome> {
  const random = createRandom(seed);
  const failures = new Failures();
  const sessions = [SHARED, OTHER].map((id) => {
    const session = new MemorySession(sessionHeader({ id }));
    session.append({ channel: "train/loss", step: 0, value: 1 });
    return session;
  });
  const gateway = await testGateway(sessions, {
    allowOrigins: ["https://notebook.example"],
    allowHosts: ["lab.example"],
    startRun: async () => ({ id: SHARED }),
  });
  const { auth, port } = gateway;
  const cookie = (code: string) => auth.setCookie(port, auth.redeem(code) ?? "").split(";")[0] ?? "";
  const share = auth.createShare(SHARED, 3_600_000).code;
  const tokens: readonly (readonly [Rank, Record<string, string>])[] = [
    ["nobody", {}],
    ["nobody", { authorization: "Bearer wrong-token-0123456789" }],
    ["nobody", { authorization: `Basic ${TOKEN}` }],
    [
      "nobody",
      { authorization: "Bearer wrong-token-0123456789", cookie: cookie(auth.createLaunchCode().code) },
    ],
    ["nobody", { cookie: `thalweg_1=${TOKEN}` }],
    ["owner", { authorization: `Bearer ${TOKEN}` }],
    ["owner", { cookie: cookie(auth.createLaunchCode().code) }],
    ["reader", { authorization: `Bearer ${READ_TOKEN}` }],
    ["reader", { cookie: cookie(auth.createLaunchCode(["read"]).code) }],
    ["shared", { authorization: `Bearer ${share}` }],
    ["shared", { cookie: cookie(share) }],
  ];
  const own = `127.0.0.1:${port}`;
  const hosts = {
    own,
    localhost: `localhost:${port}`,
    allowed: "lab.example",
    evil: "evil.example",
    missing: "",
  };
  const origins = {
    none: undefined,
    own: `http://${own}`,
    allowed: "https://notebook.example",
    evil: "https://evil.example",
    null: "null",
  };
  const statuses = new Map<number, number>();
  for (let asked = 0; asked < count; asked++) {
    const [granted, headers] = tokens[random.integer(tokens.length)] as (typeof tokens)[number];
    const origin = ORIGINS[random.integer(ORIGINS.length)] as (typeof ORIGINS)[number];
    const host = HOSTS[random.integer(HOSTS.length)] as (typeof HOSTS)[number];
    const target = TARGETS[random.integer(TARGETS.length)] as Target;
    // A page of another site that is let in comes with a token, or not at all.
    const rank = origin === "allowed" && headers["authorization"] === undefined ? "nobody" : granted;
    const expected = expectedStatus(rank, origin, host, target);
    const given = origins[origin];
    const got = await ask(port, target, {
      ...headers,
      ...(given === undefined ? {} : { origin: given }),
      ...(host === "missing" ? {} : { host: hosts[host] }),
    });
    statuses.set(got, (statuses.get(got) ?? 0) + 1);
    failures.expect(
      got === expected,
      () =>
        `${target.method} ${target.path} by ${rank}, Origin ${origin}, Host ${host}: ${got}, expected ${expected}`,
    );
  }
  await gateway.close();
  return {
    count,
    failures: failures.sentences,
    figures: {
      combinations: tokens.length * ORIGINS.length * HOSTS.length * TARGETS.length,
      "routes of the interface": Object.keys(ROUTES).length,
      ...Object.fromEntries(
        [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => [`× ${status}`, times]),
      ),
    },
  };
}

/** docs/protocol.md, in the order of its table. */
function expectedStatus(
  rank: Rank,
  origin: (typeof ORIGINS)[number],
  host: (typeof HOSTS)[number],
  { method, statuses }: Target,
): number {
  if (rank === "nobody") return 401;
  const isSafe = method === "GET" || method === "HEAD";
  const isSameSite = (origin === "own" && host === "own") || (origin === "evil" && host === "evil");
  if (!isSafe && origin !== "none" && origin !== "allowed" && !isSameSite) return 403;
  if (host === "evil" || host === "missing") return 421;
  return statuses[rank];
}

async function ask(port: number, { method, path }: Target, headers: Record<string, string>): Promise<number> {
  const hasBody = method === "POST" || method === "PATCH";
  const body = path === "/v1/sessions" || path === "/v1/shares" ? "{}" : '{"name":"a title"}';
  const request = httpRequest({
    host: "127.0.0.1",
    port,
    method,
    path,
    headers:
      hasBody && path !== "/v1/launch-codes" ? { ...headers, "content-type": "application/json" } : headers,
    setHost: false,
    agent: false,
  });
  request.end(hasBody && path !== "/v1/launch-codes" ? body : undefined);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "close");
  return response.statusCode ?? 0;
}

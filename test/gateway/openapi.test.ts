/** The description against the server: an independent validator (Ajv), and every route asked. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Catalogue } from "../../server/session/catalogue.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import { RunSettings } from "../../server/training/config.ts";
import { ROUTES } from "../../shared/routes.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { READ_TOKEN, type TestGateway, testGateway } from "../support/test-gateway.ts";
import { writeRecording } from "../support/write-recording.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: { content: Record<string, { schema?: object }> };
  readonly responses: Record<string, { description: string; content?: Record<string, { schema?: object }> }>;
}
interface Description {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, object> };
}

const [RECORDED, DOOMED, IMPORTED] = ["a".repeat(32), "b".repeat(32), "c".repeat(32)] as const;

let folder: string;
let imported: Buffer;
let gateway: TestGateway;
let described: Description;
let ajv: Ajv2020;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-openapi-"));
  await writeFile(join(folder, "broken.mcap"), "bytes");
  const channels = [
    descriptor("train/loss", { cadence: { kind: "step" } }),
    descriptor("train/weights", { encoding: "f32", heavy: true, cadence: { kind: "logged", every: 5 } }),
  ];
  const session = new MemorySession(sessionHeader({ channels }), join(folder, "broken.mcap"));
  for (let step = 0; step < 20; step++) {
    session.append({ channel: "train/loss", step, value: step === 3 ? Number.NaN : 1 / (step + 1) });
    if (step % 5 === 0) session.append({ channel: "train/weights", step, value: new Float32Array(4) });
  }
  for (const id of [RECORDED, DOOMED, IMPORTED]) await writeRecording(join(folder, `${id}.mcap`), id);
  imported = await readFile(join(folder, `${IMPORTED}.mcap`));
  await rm(join(folder, `${IMPORTED}.mcap`));
  gateway = await testGateway([session], {
    library: new SessionLibrary({ catalogue: new Catalogue(folder) }),
    presets: [{ name: "edge", title: "Edge of stability", about: "…" }],
    runSettings: RunSettings,
    startRun: async (body) =>
      (body as { preset?: string }).preset === "edge"
        ? { id: session.header.id }
        : { code: "settings", message: "preset: unknown", status: 400 },
  });
  described = (await (await gateway.get("/v1/openapi.json")).json()) as Description;
  ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
  ajv.addSchema({ $id: "openapi", $defs: referred(described.components.schemas) });
});

afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

function validator(schema: object): ValidateFunction {
  return ajv.compile(referred(schema));
}

/** A schema by itself, whose references lead into the description. */
function referred(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/schemas/', '"openapi#/$defs/'));
}

function expectValid(schema: object, value: unknown): void {
  const validate = validator(schema);
  validate(value);
  expect(validate.errors ?? []).toEqual([]);
}

interface Request {
  readonly bytes?: Buffer;
  readonly query?: string;
  readonly body?: unknown;
  readonly id?: string;
}

/** What is asked of each operation, for its success. A launch code and a socket have tests of their own. */
const REQUESTS: Readonly<Record<string, () => Request>> = {
  health: () => ({}),
  readiness: () => ({}),
  launch: () => ({ query: `code=${gateway.auth.createLaunchCode().code}` }),
  openapi: () => ({}),
  listSessions: () => ({}),
  startRun: () => ({ body: { preset: "edge", steps: 10, replace: true } }),
  describeSession: () => ({}),
  samples: () => ({ query: "channel=train/loss&channel=train/*&limit=5&every=2&from=1" }),
  weights: () => ({ query: "step=5&format=npy" }),
  recording: () => ({}),
  metrics: () => ({}),
  presets: () => ({}),
  createLaunchCode: () => ({}),
  renameSession: () => ({ id: RECORDED, body: { name: "a better name" } }),
  deleteSession: () => ({ id: DOOMED }),
  importRecording: () => ({ bytes: imported }),
  createShare: () => ({ body: { session: "live", expiresInSeconds: 3600 } }),
  listShares: () => ({}),
  revokeShare: () => ({ id: gateway.auth.createShare(RECORDED, 60_000).id }),
};

function operations(): { path: string; method: string; operation: Operation }[] {
  return Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

async function ask(
  path: string,
  method: string,
  { query, body, bytes, id = "live" }: Request,
  token?: string,
): Promise<Response> {
  const url = path.replace("{id}", id) + (query === undefined ? "" : `?${query}`);
  return gateway.get(url, {
    method: method.toUpperCase(),
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(bytes === undefined ? {} : { "content-type": "application/octet-stream" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(bytes === undefined ? {} : { body: new Uint8Array(bytes) }),
  });
}

/** One answer held against what is said of its operation. */
async function expectAsDescribed({ responses }: Operation, response: Response): Promise<void> {
  const said = responses[response.status];
  expect(said, `status ${response.status} of ${response.url}`).toBeDefined();
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  if (response.status === 204) return;
  expect(Object.keys(said?.content ?? {})).toContain(type);
  const schema = said?.content?.[type]?.schema;
  if (schema !== undefined)
    expectValid(schema, type === "application/json" ? await response.json() : await response.text());
  else await response.arrayBuffer();
}

describe("/v1/openapi.json", () => {
  it("describes every route that is served, and no other", () => {
    expect(
      operations()
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual(
      Object.values(ROUTES)
        .map(({ method, path }) => `${method.toLowerCase()} ${path}`)
        .sort(),
    );
    // A route that does not come from the table would be served undescribed.
    const sources = readdirSync("server/gateway").map((name) => [
      name,
      readFileSync(join("server/gateway", name), "utf8"),
    ]);
    const direct = sources.filter(([, text = ""]) =>
      /\bapp\.(get|post|put|patch|delete|all|route)\(/.test(text),
    );
    expect(direct.map(([name]) => name)).toEqual(["route.ts"]);
  });

  it("has schemas that a strict validator compiles, and references that lead somewhere", () => {
    for (const [name, schema] of Object.entries(described.components.schemas)) {
      expect(() => validator(schema), name).not.toThrow();
    }
    for (const { operation } of operations()) {
      for (const { schema } of operation.parameters) validator(schema);
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        if (schema !== undefined) validator(schema);
      for (const { content } of Object.values(operation.responses)) {
        for (const { schema } of Object.values(content ?? {})) if (schema !== undefined) validator(schema);
      }
    }
  });

  it("says what every route answers", async () => {
    for (const { path, method, operation } of operations()) {
      if (operation.operationId === "stream") continue;
      const request = REQUESTS[operation.operationId]?.();
      if (request === undefined) throw new Error(`no request for ${operation.operationId}`);
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        if (schema !== undefined) expectValid(schema, request.body);
      const response = await ask(path, method, request);
      expect([operation.operationId, response.status]).toEqual([operation.operationId, success(operation)]);
      await expectAsDescribed(operation, response);
    }
  });

  it("says what every route refuses with", async () => {
    for (const { path, method, operation } of operations()) {
      const isOpen = "security" in operation;
      const refused: Request[] = [
        { query: "step=x&code=1&code=2" },
        { id: "f".repeat(32), query: "step=1&channel=*" },
        { query: "step=7&channel=nothing&code=used" },
        { query: "step=7&channel=train/weights" },
        { query: "step=0&channel=train/loss&from=999" },
      ];
      const bodies = operation.requestBody === undefined ? [undefined] : [{ preset: "egde" }, 7, {}];
      for (const request of refused) {
        for (const body of bodies) {
          await expectAsDescribed(operation, await ask(path, method, { ...request, body }));
        }
      }
      for (const token of [READ_TOKEN, "wrong-token-0123456789"]) {
        const response = await ask(path, method, {}, token);
        if (token !== READ_TOKEN && !isOpen) expect(response.status).toBe(401);
        await expectAsDescribed(operation, response);
      }
    }
  });

  it("describes what a run takes by the settings themselves", () => {
    const operation = described.paths["/v1/sessions"]?.["post"];
    const schema = operation?.requestBody?.content["application/json"]?.schema as object;
    expectValid(schema, { preset: "edge", learningRate: 0.1, every: { hessian: 25 } });
    const validate = validator(schema);
    for (const wrong of [{ learningRate: -1 }, { stpes: 5 }, { batchSize: "half" }]) {
      expect(validate(wrong), JSON.stringify(wrong)).toBe(false);
    }
  });

  it("describes the frames of the socket", () => {
    const { ClientMessage, ServerMessage } = described.components.schemas;
    expectValid(ClientMessage as object, { op: "subscribe", id: 1, session: "live", channels: ["*"] });
    expectValid(ServerMessage as object, { op: "pong", t: 1 });
    expect(validator(ClientMessage as object)({ op: "subscribe", id: -1 })).toBe(false);
    expect(validator(ServerMessage as object)({ op: "pong" })).toBe(false);
  });
});

function success({ responses }: Operation): number {
  return Math.min(...Object.keys(responses).map(Number));
}

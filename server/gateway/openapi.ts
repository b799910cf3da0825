/** `/v1/openapi.json`: the interface as OpenAPI 3.1, made of the schemas and routes that the gateway runs on. */
import type { FastifyInstance } from "fastify";
import * as z from "zod/mini";
import { SessionHeader, SessionSummary } from "../../shared/header.ts";
import { ErrorBody, HTTP_ERRORS, type HttpErrorCode, PresetSummary } from "../../shared/http.ts";
import { ClientMessage, ServerMessage, SessionDescription, WireSample } from "../../shared/protocol.ts";
import { ROUTES, type Route } from "../../shared/routes.ts";
import { StreamDescriptor } from "../../shared/stream.ts";
import type { HttpOptions } from "./http.ts";
import { addRoute } from "./route.ts";

type JsonObject = Record<string, unknown>;
type Names = z.core.$ZodRegistry<{ id: string }>;
type ToJson = (schema: z.ZodMiniType, io: "input" | "output") => JsonObject;

/** Named once and referred to; also what travels on the socket, for programs that generate their types. */
const COMPONENTS = {
  ClientMessage,
  ServerMessage,
  SessionDescription,
  SessionHeader,
  SessionSummary,
  StreamDescriptor,
  WireSample,
  PresetSummary,
  ErrorBody,
} as const;

/** Of every route that asks who is there. */
const ADMISSION: readonly HttpErrorCode[] = ["unauthorized", "host-not-allowed"];
const EVERYWHERE: readonly HttpErrorCode[] = ["internal"];

export function addOpenApiRoute(app: FastifyInstance, options: HttpOptions): void {
  let made: JsonObject | null = null;
  addRoute(app, options, ROUTES.openapi, () => {
    made ??= describeInterface(options.version, options.runSettings);
    return made;
  });
}

function describeInterface(version: string, runSettings: z.ZodMiniObject | undefined): JsonObject {
  const named = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(COMPONENTS)) named.add(schema, { id });
  const toJson: ToJson = (schema, io) => inline(schema, named, io);
  const paths: Record<string, JsonObject> = {};
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    const body = name === "startRun" && runSettings !== undefined ? runBody(runSettings) : route.body;
    const operation = describeRoute(name, { ...route, body }, toJson);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Thalweg",
      version,
      description: "Sessions over HTTP. What happens as it happens is on the socket: docs/protocol.md.",
    },
    security: [{ bearer: [] }, { cookie: [] }],
    paths,
    components: {
      schemas: componentSchemas(named),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        cookie: { type: "apiKey", in: "cookie", name: "thalweg_<port>" },
      },
    },
  };
}

function describeRoute(name: string, route: Route, toJson: ToJson): JsonObject {
  const { about, scope, query, body, status, answers } = route;
  const content = Object.entries(answers).map(([type, schema]) => [
    type,
    schema === null ? {} : { schema: toJson(schema, "output") },
  ]);
  return {
    operationId: name,
    summary: about,
    ...(scope === null ? { security: [] } : { "x-scope": scope }),
    parameters: [...pathParameters(route.path), ...queryParameters(query, toJson)],
    ...(body === null ? {} : { requestBody: { required: true, content: bodyContent(body, toJson) } }),
    responses: {
      [status]: {
        description: about,
        ...(content.length === 0 ? {} : { content: Object.fromEntries(content) }),
      },
      ...errorResponses(errorsOf(route)),
    },
  };
}

function bodyContent(body: z.ZodMiniType | "bytes", toJson: ToJson): JsonObject {
  return body === "bytes"
    ? { "application/octet-stream": {} }
    : { "application/json": { schema: toJson(body, "input") } };
}

/** Everything that this route may refuse with. */
function errorsOf({ method, scope, body, query, errors }: Route): readonly HttpErrorCode[] {
  return [
    ...errors,
    ...(scope === null ? [] : ADMISSION),
    ...(method === "GET" || scope === null ? [] : (["origin-not-allowed"] as const)),
    ...(scope === "control" ? (["forbidden"] as const) : []),
    ...(body === null ? [] : (["bad-json", "bad-body", "too-large", "unsupported-media-type"] as const)),
    ...(Object.keys(query.shape).length === 0 ? [] : (["bad-query"] as const)),
    ...EVERYWHERE,
  ];
}

function errorResponses(codes: readonly HttpErrorCode[]): JsonObject {
  const statuses = [...new Set(codes.map((code) => HTTP_ERRORS[code]))];
  return Object.fromEntries(
    statuses.map((status) => {
      const own = [...new Set(codes)].filter((code) => HTTP_ERRORS[code] === status);
      const schema = { $ref: "#/components/schemas/ErrorBody" };
      return [status, { description: own.join(", "), content: { "application/json": { schema } } }];
    }),
  );
}

function pathParameters(path: string): JsonObject[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", maxLength: 64 },
  }));
}

function queryParameters(query: z.ZodMiniObject, toJson: ToJson): JsonObject[] {
  // As the values are meant, not as the text that a query is made of.
  const { properties = {} } = toJson(query, "output") as { properties?: Record<string, JsonObject> };
  const { required = [] } = toJson(query, "input") as { required?: readonly string[] };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

function runBody(settings: z.ZodMiniObject): z.ZodMiniType {
  return z.extend(settings, { replace: z.optional(z.boolean()) });
}

const COMPONENTS_AT = "#/components/schemas/";

/** A schema in place; the named ones within it as references. */
function inline(schema: z.ZodMiniType, named: Names, io: "input" | "output"): JsonObject {
  const id = named.get(schema)?.id;
  if (id !== undefined) return { $ref: COMPONENTS_AT + id };
  const { $schema: _dialect, $defs: _definitions, ...rest } = z.toJSONSchema(schema, { io, metadata: named });
  return JSON.parse(JSON.stringify(rest).replaceAll('"#/$defs/', `"${COMPONENTS_AT}`)) as JsonObject;
}

/** As the server sends them, and what a client sends as it may write it: what has a default may be left out. */
function componentSchemas(named: Names): JsonObject {
  const convert = (io: "input" | "output"): Record<string, JsonObject> => {
    const { schemas } = z.toJSONSchema(named, { uri: (id) => COMPONENTS_AT + id, io });
    return Object.fromEntries(
      Object.entries(schemas).map(([id, { $schema: _dialect, $id: _id, ...schema }]) => [id, schema]),
    );
  };
  return { ...convert("output"), ClientMessage: convert("input")["ClientMessage"] };
}

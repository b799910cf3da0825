/** Routes of the table in shared/http.ts: the right to ask, query and body are checked before a handler sees them. */
import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod/mini";
import type { Route } from "../../shared/routes.ts";
import type { SessionLibrary } from "../session/library.ts";
import { check } from "./explain.ts";
import { Refused } from "./refused.ts";
import { type VisibleSessions, visibleSessions } from "./visible-sessions.ts";

export interface Asked<R extends Route> {
  /** `{id}` of the path; "" where it has none. */
  readonly id: string;
  readonly query: z.output<R["query"]>;
  readonly body: R["body"] extends z.ZodMiniType
    ? z.output<R["body"]>
    : R["body"] extends "bytes"
      ? Readable
      : undefined;
  /** Those that this visitor may see. */
  readonly sessions: VisibleSessions;
  readonly request: FastifyRequest;
}

export interface RouteOptions {
  /** Who answers HEAD: Fastify, by answering GET and throwing the body away; the handler; nobody. */
  readonly head?: "fastify" | "handler" | "nobody";
}

export function addRoute<R extends Route>(
  app: FastifyInstance,
  { library }: { readonly library: SessionLibrary },
  route: R,
  answer: (asked: Asked<R>, reply: FastifyReply) => unknown,
  { head = "fastify" }: RouteOptions = {},
): void {
  app.route({
    method: head === "handler" ? [route.method, "HEAD"] : route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
    ...(route.method === "GET" ? { exposeHeadRoute: head === "fastify" } : {}),
    handler: async (request, reply) => {
      const { grant } = request;
      if (route.scope === "control" && !grant?.scopes.includes("control")) {
        throw new Refused("forbidden", `authorization: expected a token of scope "control", got "read"`);
      }
      const asked = {
        id: (request.params as { id?: string }).id ?? "",
        query: checked(route.query, request.query, "bad-query"),
        body: bodyOf(route, request.body),
        sessions: visibleSessions(library, grant?.session ?? null),
        request,
      } as Asked<R>;
      reply.code(route.status);
      return answer(asked, reply);
    },
  });
}

function bodyOf({ body }: Route, given: unknown): unknown {
  if (body === null) return undefined;
  return body === "bytes" ? given : checked(body, given ?? {}, "bad-body");
}

function checked<Schema extends z.ZodMiniType>(
  schema: Schema,
  input: unknown,
  code: "bad-query" | "bad-body",
): z.output<Schema> {
  const result = check(schema, input);
  if (result.ok) return result.value;
  throw new Refused(code, result.message);
}

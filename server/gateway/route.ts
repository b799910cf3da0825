/** Routes of the table in shared/http.ts: the right to ask, and the query, are checked before a handler sees them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod/mini";
import type { Route } from "../../shared/http.ts";
import { check } from "./explain.ts";
import { Refused } from "./refused.ts";

export interface Asked<R extends Route> {
  /** `{id}` of the path; "" where it has none. */
  readonly id: string;
  readonly query: z.output<R["query"]>;
  readonly request: FastifyRequest;
}

export interface RouteOptions {
  /** Who answers HEAD: Fastify, by answering GET and throwing the body away; the handler; nobody. */
  readonly head?: "fastify" | "handler" | "nobody";
}

export function addRoute<R extends Route>(
  app: FastifyInstance,
  route: R,
  answer: (asked: Asked<R>, reply: FastifyReply) => unknown,
  { head = "fastify" }: RouteOptions = {},
): void {
  app.route({
    method: head === "handler" ? [route.method, "HEAD"] : route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
    exposeHeadRoute: head === "fastify",
    handler: async (request, reply) => {
      if (route.scope === "control" && !request.grant?.scopes.includes("control")) {
        throw new Refused("forbidden", `authorization: expected a token of scope "control", got "read"`);
      }
      const query = check(route.query, request.query);
      if (!query.ok) throw new Refused("bad-query", query.message);
      reply.code(route.status);
      const { id = "" } = request.params as { id?: string };
      return answer({ id, query: query.value as z.output<R["query"]>, request }, reply);
    },
  });
}

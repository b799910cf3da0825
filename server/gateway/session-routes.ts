/** Sessions: which there are, what each is, how to start another, and what becomes of recordings. */
import type { FastifyInstance } from "fastify";
import { ROUTES } from "../../shared/routes.ts";
import type { Session } from "../session/session.ts";
import { describe } from "./describe.ts";
import type { HttpOptions } from "./http.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";
import { unknownSession, type VisibleSessions } from "./visible-sessions.ts";

/** Looked up, never joined to a path. */
export async function sessionOf(sessions: VisibleSessions, id: string): Promise<Session> {
  const session = await sessions.resolve(id);
  if (session !== undefined) return session;
  throw new Refused("unknown-session", unknownSession(id));
}

export function addSessionRoutes(app: FastifyInstance, options: HttpOptions): void {
  const { library, presets, startRun } = options;

  addRoute(app, options, ROUTES.listSessions, async ({ sessions, request }) => ({
    sessions: await sessions.summaries(),
    unreadable: request.grant?.session === null ? await library.unreadable() : [],
  }));

  addRoute(app, options, ROUTES.describeSession, async ({ id, sessions }) =>
    describe(await sessionOf(sessions, id)),
  );

  addRoute(app, options, ROUTES.renameSession, ({ id, body: { name } }) => library.rename(id, name));

  addRoute(app, options, ROUTES.deleteSession, async ({ id }, reply) => {
    await library.remove(id);
    return reply.send();
  });

  addRoute(app, options, ROUTES.presets, () => ({ presets }));

  addRoute(app, options, ROUTES.startRun, async ({ body }, reply) => {
    if (startRun === undefined)
      throw new Refused("not-found", "POST /v1/sessions: this server starts no runs");
    const started = await startRun(body);
    if (!("id" in started)) throw new Refused(started.code, started.message, started.status);
    reply.header("Location", `/v1/sessions/${started.id}`);
    return started;
  });
}

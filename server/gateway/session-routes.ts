/** Sessions: which there are, what each is, and how to start another. */
import type { FastifyInstance } from "fastify";
import { ROUTES } from "../../shared/http.ts";
import type { SessionLibrary } from "../session/library.ts";
import type { Session } from "../session/session.ts";
import { describe } from "./describe.ts";
import type { HttpOptions } from "./http.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";

/** Looked up, never joined to a path. */
export function sessionOf(library: SessionLibrary, id: string): Session {
  const session = library.resolve(id);
  if (session !== undefined) return session;
  throw new Refused(
    "unknown-session",
    `session: expected the id of a session of this server, got "${id.slice(0, 64)}"`,
  );
}

export function addSessionRoutes(app: FastifyInstance, { library, presets, startRun }: HttpOptions): void {
  addRoute(app, ROUTES.listSessions, () => ({ sessions: library.summaries() }));

  addRoute(app, ROUTES.describeSession, ({ id }) => describe(sessionOf(library, id)));

  addRoute(app, ROUTES.presets, () => ({ presets }));

  addRoute(app, ROUTES.startRun, async ({ request }, reply) => {
    if (startRun === undefined)
      throw new Refused("not-found", "POST /v1/sessions: this server starts no runs");
    const started = await startRun(request.body);
    if (!("id" in started)) throw new Refused(started.code, started.message, started.status);
    reply.header("Location", `/v1/sessions/${started.id}`);
    return started;
  });
}

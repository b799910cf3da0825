/** Sessions: which there are, what each is, and how to start another. */
import type { FastifyInstance } from "fastify";
import type { SessionLibrary } from "../session/library.ts";
import type { Session } from "../session/session.ts";
import { describe } from "./describe.ts";
import type { HttpOptions } from "./http.ts";
import { Refused } from "./refused.ts";

export interface SessionParams {
  readonly id: string;
}

/** Looked up, never joined to a path. */
export function sessionOf(library: SessionLibrary, id: string): Session {
  const session = library.resolve(id);
  if (session !== undefined) return session;
  throw new Refused(
    404,
    "unknown-session",
    `session: expected the id of a session of this server, got "${id.slice(0, 64)}"`,
  );
}

export function addSessionRoutes(app: FastifyInstance, { library, presets, startRun }: HttpOptions): void {
  app.get("/v1/sessions", async () => ({ sessions: library.summaries() }));

  app.get<{ Params: SessionParams }>("/v1/sessions/:id", async ({ params }) =>
    describe(sessionOf(library, params.id)),
  );

  app.get("/v1/presets", async () => ({ presets }));

  app.post("/v1/sessions", async ({ grant, body }, reply) => {
    if (!grant?.scopes.includes("control")) {
      throw new Refused(403, "forbidden", `authorization: expected a token of scope "control", got "read"`);
    }
    if (startRun === undefined)
      throw new Refused(404, "not-found", "POST /v1/sessions: this server starts no runs");
    const started = await startRun(body);
    if (!("id" in started)) throw new Refused(started.status, started.code, started.message);
    return reply.code(201).header("Location", `/v1/sessions/${started.id}`).send(started);
  });
}

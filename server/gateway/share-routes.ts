/** Share links: one session, to be read, until they expire or are taken back. */
import type { FastifyInstance } from "fastify";
import { ROUTES } from "../../shared/routes.ts";
import type { HttpOptions } from "./http.ts";
import { launchPath } from "./launch-routes.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";
import { sessionOf } from "./session-routes.ts";

export function addShareRoutes(app: FastifyInstance, options: HttpOptions): void {
  const { auth, scheme } = options;

  addRoute(app, options, ROUTES.createShare, async ({ body, sessions, request }) => {
    const { header } = await sessionOf(sessions, body.session);
    const { code, ...share } = auth.createShare(header.id, body.expiresInSeconds * 1000);
    // The session behind the #: the dashboard opens it, and no server sees that part.
    const url = `${scheme}://${request.headers.host}${launchPath(code)}#run=${header.id}`;
    return { ...share, url };
  });

  addRoute(app, options, ROUTES.listShares, () => ({ shares: auth.shares }));

  addRoute(app, options, ROUTES.revokeShare, ({ id }, reply) => {
    if (auth.revoke(id)) return reply.send();
    throw new Refused("unknown-share", `share: expected the id of a share link that is good, got "${id}"`);
  });
}

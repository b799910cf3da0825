/** Launch links: made by whoever holds a token, good for one browser. */
import type { FastifyInstance } from "fastify";
import { ROUTES } from "../../shared/routes.ts";
import type { HttpOptions } from "./http.ts";
import { launchedPage } from "./pages.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";

export function launchPath(code: string): string {
  return `/launch?code=${code}`;
}

export function addLaunchRoutes(app: FastifyInstance, options: HttpOptions): void {
  const { admission, auth, port, scheme } = options;
  // HEAD must not use the code up: mail and chat programs look at links before people do.
  addRoute(
    app,
    options,
    ROUTES.launch,
    ({ query: { code }, request }, reply) => {
      const before = admission.admit(request.raw, false);
      // Who may see everything does not give that up by looking at a link made for others.
      const keepsGrant = auth.isShareCode(code) && !(before instanceof Refused) && before.session === null;
      const secret = keepsGrant ? null : auth.redeem(code);
      if (secret !== null) reply.header("Set-Cookie", auth.setCookie(port(), secret, scheme === "https"));
      // Back and reload find a used code in a browser that is already inside.
      else if (before instanceof Refused) {
        throw new Refused("launch-code", "This link has been used, has expired, or was taken back.");
      }
      return reply.header("Cache-Control", "no-store").type("text/html; charset=utf-8").send(launchedPage());
    },
    { head: "nobody" },
  );

  addRoute(app, options, ROUTES.createLaunchCode, ({ request: { grant, headers } }) => {
    if (grant === null || grant.session !== null) {
      throw new Refused("forbidden", "authorization: expected a token, got a share link");
    }
    const { code, expiresAtMs } = auth.createLaunchCode(grant.scopes);
    return { url: `${scheme}://${headers.host}${launchPath(code)}`, expiresAtMs };
  });
}

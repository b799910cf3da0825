/** Launch links: made by whoever holds a token, good for one browser. */
import type { FastifyInstance } from "fastify";
import { ROUTES } from "../../shared/http.ts";
import type { HttpOptions } from "./http.ts";
import { launchedPage } from "./pages.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";

export function launchPath(code: string): string {
  return `/launch?code=${code}`;
}

export function addLaunchRoutes(app: FastifyInstance, { admission, auth, port }: HttpOptions): void {
  // HEAD must not use the code up: mail and chat programs look at links before people do.
  addRoute(
    app,
    ROUTES.launch,
    ({ query: { code }, request }, reply) => {
      const secret = auth.redeem(code);
      if (secret !== null) reply.header("Set-Cookie", auth.setCookie(port(), secret));
      // Back and reload find a used code in a browser that is already inside.
      else if (admission.admit(request.raw, false) instanceof Refused) {
        throw new Refused("launch-code", "This launch link has been used, or is older than ten minutes.");
      }
      return reply.header("Cache-Control", "no-store").type("text/html; charset=utf-8").send(launchedPage());
    },
    { head: "nobody" },
  );

  addRoute(app, ROUTES.createLaunchCode, ({ request }) => {
    const { code, expiresAtMs } = auth.createLaunchCode(request.grant?.scopes ?? []);
    return { url: `http://${request.headers.host}${launchPath(code)}`, expiresAtMs };
  });
}

/** Launch links: made by whoever holds a token, good for one browser. */
import type { FastifyInstance } from "fastify";
import * as z from "zod/mini";
import type { HttpOptions } from "./http.ts";
import { launchedPage } from "./pages.ts";
import { Refused } from "./refused.ts";

const Query = z.object({ code: z.string().check(z.maxLength(128)) });

export function launchPath(code: string): string {
  return `/launch?code=${code}`;
}

export function addLaunchRoutes(app: FastifyInstance, { admission, auth, port }: HttpOptions): void {
  // HEAD must not use the code up: mail and chat programs look at links before people do.
  app.get("/launch", { exposeHeadRoute: false }, async (request, reply) => {
    const query = z.safeParse(Query, request.query);
    const secret = query.success ? auth.redeem(query.data.code) : null;
    if (secret !== null) reply.header("Set-Cookie", auth.setCookie(port(), secret));
    // Back and reload find a used code in a browser that is already inside.
    else if (admission.admit(request.raw, false) instanceof Refused) {
      throw new Refused(401, "launch-code", "This launch link has been used, or is older than ten minutes.");
    }
    return reply.header("Cache-Control", "no-store").type("text/html; charset=utf-8").send(launchedPage());
  });

  app.post("/v1/launch-codes", async (request, reply) => {
    const { code, expiresAtMs } = auth.createLaunchCode(request.grant?.scopes ?? []);
    const url = `http://${request.headers.host}${launchPath(code)}`;
    return reply.code(201).send({ url, expiresAtMs });
  });
}

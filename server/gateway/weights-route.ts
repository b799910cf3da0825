/** θ of one recorded step, as float32 or as a NumPy file. */
import type { FastifyInstance } from "fastify";
import { ROUTES } from "../../shared/routes.ts";
import type { HttpOptions } from "./http.ts";
import { bytesOf, encodeNpy } from "./npy.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";
import { sessionOf } from "./session-routes.ts";

export function addWeightsRoute(app: FastifyInstance, options: HttpOptions): void {
  addRoute(app, options, ROUTES.weights, async ({ id, query: { step, format }, sessions }, reply) => {
    const session = await sessionOf(sessions, id);
    const result = await session.weights(step);
    if (!result.found) {
      const recorded =
        result.nearest.length > 0 ? `the nearest are ${result.nearest.join(" and ")}` : "none is";
      throw new Refused(
        "not-recorded",
        `step: expected a step whose weights are recorded, got ${step}; ${recorded}`,
      );
    }
    return reply
      .type("application/octet-stream")
      .header("Content-Disposition", `attachment; filename="theta-${step}.${format}"`)
      .send(format === "npy" ? encodeNpy(result.theta) : bytesOf(result.theta));
  });
}

/** θ of one recorded step, as float32 or as a NumPy file. */
import type { FastifyInstance } from "fastify";
import * as z from "zod/mini";
import type { HttpOptions } from "./http.ts";
import { bytesOf, encodeNpy } from "./npy.ts";
import { readQuery, whole } from "./query.ts";
import { Refused } from "./refused.ts";
import { type SessionParams, sessionOf } from "./session-routes.ts";

const Query = z.strictObject({
  step: whole(0, 0xffff_ffff),
  format: z._default(z.enum(["f32", "npy"]), "f32"),
});

export function addWeightsRoute(app: FastifyInstance, { library }: HttpOptions): void {
  app.get<{ Params: SessionParams }>("/v1/sessions/:id/weights", async ({ params, query }, reply) => {
    const session = sessionOf(library, params.id);
    const { step, format } = readQuery(Query, query);
    const result = await session.weights(step);
    if (!result.found) {
      const recorded =
        result.nearest.length > 0 ? `the nearest are ${result.nearest.join(" and ")}` : "none is";
      throw new Refused(
        404,
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

/** Recordings from elsewhere, part by part. */
import type { FastifyInstance } from "fastify";
import { ROUTES } from "../../shared/routes.ts";
import type { HttpOptions } from "./http.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";

export async function addImportRoute(app: FastifyInstance, options: HttpOptions): Promise<void> {
  const { library, limits } = options;
  // A scope of its own: nowhere else is a body anything but JSON.
  await app.register((scope, _options, done) => {
    scope.addContentTypeParser(
      "application/octet-stream",
      { bodyLimit: limits.importBytes },
      (_request, body, done) => done(null, body),
    );
    addRoute(scope, options, ROUTES.importRecording, async ({ body, request }, reply) => {
      const type = request.headers["content-type"] ?? "";
      if (!type.startsWith("application/octet-stream")) {
        throw new Refused("unsupported-media-type", "content-type: expected application/octet-stream");
      }
      const announced = Number(request.headers["content-length"] ?? 0);
      if (announced > limits.importBytes) {
        throw new Refused(
          "too-large",
          `recording: expected at most ${limits.importBytes} bytes, got ${announced}`,
        );
      }
      const summary = await library.import(body, limits.importBytes);
      reply.header("Location", `/v1/sessions/${summary.id}`);
      return summary;
    });
    done();
  });
}

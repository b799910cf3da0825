/** The recording as a file: whole or in ranges, also while it is being written. */
import { open } from "node:fs/promises";
import type { FastifyInstance, FastifyReply } from "fastify";
import { ROUTES } from "../../shared/routes.ts";
import { partPath } from "../recording/part.ts";
import { parseRange } from "./byte-range.ts";
import type { HttpOptions } from "./http.ts";
import { Refused } from "./refused.ts";
import { type Asked, addRoute } from "./route.ts";
import { sessionOf } from "./session-routes.ts";

export function addRecordingRoute(app: FastifyInstance, options: HttpOptions): void {
  // HEAD by hand: the one that comes with GET would read the whole file to throw it away.
  addRoute(app, options, ROUTES.recording, answer, { head: "handler" });

  async function answer(
    { id: asked, query: { part }, request, sessions }: Asked<typeof ROUTES.recording>,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const session = await sessionOf(sessions, asked);
    const { id } = session.header;
    if (session.recordingPath === undefined) throw noRecording(id);
    const path = partPath(session.recordingPath, part);
    const file = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause;
      throw part === 1 ? noRecording(id) : new Refused("no-recording", `session ${id} has no part ${part}`);
    });
    try {
      // A snapshot of what is written now: a file that grows meanwhile does not change what was promised.
      const { size, ino, mtimeMs } = await file.stat();
      const isFinal = session.status.state === "ended";
      // What is written stays, until the finished file takes its place; so a download may be resumed while the run goes on.
      const etag = `"${id.slice(0, 16)}-${ino}-${isFinal ? `${size}-${Math.trunc(mtimeMs)}` : "live"}"`;
      reply.headers({
        "Accept-Ranges": "bytes",
        ETag: etag,
        "Content-Disposition": `attachment; filename="${partPath(`${id}.mcap`, part)}"`,
      });
      reply.type("application/octet-stream");
      const condition = request.headers["if-range"];
      const isSame = condition === undefined || condition === etag;
      const range = parseRange(isSame ? request.headers.range : undefined, size);
      if (range === "unsatisfiable") {
        reply.header("Content-Range", `bytes */${size}`);
        throw new Refused("range", `range: expected within ${size} bytes, got "${request.headers.range}"`);
      }
      const { start, end } = range ?? { start: 0, end: size - 1 };
      if (range !== null) reply.code(206).header("Content-Range", `bytes ${start}-${end}/${size}`);
      reply.header("Content-Length", end - start + 1);
      if (request.method === "HEAD" || size === 0) {
        await file.close();
        return reply.send();
      }
      return reply.send(file.createReadStream({ start, end }));
    } catch (cause) {
      await file.close();
      throw cause;
    }
  }
}

function noRecording(id: string): Refused {
  return new Refused("no-recording", `session ${id} keeps no recording`);
}

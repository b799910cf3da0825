/** The recording as a file: whole or in ranges, also while it is being written. */
import { open } from "node:fs/promises";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { partPath } from "../recording/part.ts";
import { parseRange } from "./byte-range.ts";
import type { HttpOptions } from "./http.ts";
import { Refused } from "./refused.ts";
import { type SessionParams, sessionOf } from "./session-routes.ts";

interface Route {
  readonly Params: SessionParams;
  /** Of a recording in several files: which of them, from 1. */
  readonly Querystring: { readonly part?: string };
}

type RecordingRequest = FastifyRequest<Route>;

export function addRecordingRoute(app: FastifyInstance, { library }: HttpOptions): void {
  // HEAD by hand: the one that comes with GET would read the whole file to throw it away.
  const method = ["GET", "HEAD"];
  const url = "/v1/sessions/:id/recording.mcap";
  app.route<Route>({ method, url, handler: answer });

  async function answer(request: RecordingRequest, reply: FastifyReply): Promise<FastifyReply> {
    const session = sessionOf(library, request.params.id);
    const { id } = session.header;
    if (session.recordingPath === undefined) throw noRecording(id);
    const part = partOf(request.query.part);
    const path = partPath(session.recordingPath, part);
    const file = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause;
      throw part === 1
        ? noRecording(id)
        : new Refused(404, "no-recording", `session ${id} has no part ${part}`);
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
        throw new Refused(
          416,
          "range",
          `range: expected within ${size} bytes, got "${request.headers.range}"`,
        );
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

function partOf(text: string | undefined): number {
  const part = Number(text ?? 1);
  if (Number.isSafeInteger(part) && part >= 1) return part;
  throw new Refused(400, "bad-query", `part: expected a whole number from 1 on, got "${text}"`);
}

function noRecording(id: string): Refused {
  return new Refused(404, "no-recording", `session ${id} keeps no recording`);
}

/** Samples over HTTP: a page of the log as JSON, NDJSON or CSV, read as fast as the client takes it. */
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { ROUTES } from "../../shared/routes.ts";
import type { Cursor, Session, SessionEvent } from "../session/session.ts";
import { chooseChannels } from "./channels.ts";
import type { HttpOptions } from "./http.ts";
import { locate } from "./position.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";
import { sampleText } from "./sample-text.ts";
import { sessionOf } from "./session-routes.ts";

/** Read at a time: a client that stops reading holds this much, and the stream's own buffer. */
const CHUNK_BYTES = 64 * 1024;

interface Format {
  readonly type: string;
  readonly head: string;
  sample(event: SessionEvent, channel: string, isFirst: boolean): string;
  tail(nextSeq: number, headSeq: number): string;
}

const FORMATS = {
  json: {
    type: "application/json; charset=utf-8",
    head: `{"samples":[`,
    sample: (event, channel, isFirst) => `${isFirst ? "" : ","}${sampleText(event, channel)}`,
    tail: (nextSeq, headSeq) => `],"nextSeq":${nextSeq},"headSeq":${headSeq}}`,
  },
  ndjson: {
    type: "application/x-ndjson; charset=utf-8",
    head: "",
    sample: (event, channel) => `${sampleText(event, channel)}\n`,
    tail: () => "",
  },
  csv: {
    type: "text/csv; charset=utf-8; header=present",
    head: "seq,channel,step,wallTimeMs,value\r\n",
    sample: (event, channel) =>
      `${event.seq},${channel},${event.step},${event.wallTimeMs},${csvCell(event.json ?? "")}\r\n`,
    tail: () => "",
  },
} as const satisfies Record<string, Format>;

/** RFC 4180. A bare number stays one; "NaN" and the infinities lose JSON's quotes; anything else is its JSON text. */
function csvCell(json: string): string {
  const bare = /^"(NaN|-?Infinity)"$/.exec(json)?.[1] ?? json;
  return /[",\r\n]/.test(bare) ? `"${bare.replaceAll('"', '""')}"` : bare;
}

export function addSamplesRoute(app: FastifyInstance, options: HttpOptions): void {
  addRoute(
    app,
    options,
    ROUTES.samples,
    async ({ id, query: { channel, from, limit, every, format }, sessions }, reply) => {
      const session = await sessionOf(sessions, id);
      const channels = textChannels(session, typeof channel === "string" ? [channel] : channel);
      const start = await locate(session, from === undefined ? "start" : { seq: from }, false);
      if ("code" in start) throw new Refused(start.code, start.message);

      const cursor = session.cursor({ channels, from: start.seq, ...(every === undefined ? {} : { every }) });
      const text = write(session, cursor, limit, FORMATS[format]);
      // The first read before the status line: a log that cannot be read is an error, not an empty success.
      const first = await text.next().catch((cause: unknown) => {
        cursor.close();
        throw cause;
      });
      const stream = Readable.from(resume(first, text), { objectMode: false });
      // Also when the client has gone before a byte was asked for; a read under way is waited for.
      stream.once("close", () => cursor.close());
      return reply.type(FORMATS[format].type).send(stream);
    },
    { head: "nobody" },
  );
}

function textChannels(session: Session, wanted: readonly string[]): ReadonlySet<number> {
  const { channels } = session.header;
  const choice = chooseChannels(channels, wanted);
  if ("code" in choice) throw new Refused(choice.code, choice.message);
  const binary = choice.chosen
    .map((index) => channels[index])
    .find((c) => c !== undefined && c.encoding !== "json");
  if (binary === undefined) return new Set(choice.chosen);
  throw new Refused(
    "binary-channel",
    `channel: expected one whose samples are JSON, got "${binary.name}" (${binary.encoding}); see /weights and the socket`,
  );
}

async function* write(
  session: Session,
  cursor: Cursor,
  limit: number,
  format: Format,
): AsyncGenerator<string> {
  let text = format.head;
  let count = 0;
  // As far as the log reached when asked: an answer ends, also while the log grows.
  const { headSeq } = session.status;
  let nextSeq = cursor.position;
  while (count < limit && nextSeq <= headSeq) {
    const events = await cursor.read({ maxEvents: limit - count, maxBytes: CHUNK_BYTES });
    nextSeq = cursor.position;
    for (const event of events) {
      if (event.seq > headSeq) {
        nextSeq = event.seq;
        break;
      }
      text += format.sample(event, session.header.channels[event.channel]?.name ?? "", count === 0);
      count++;
    }
    yield text;
    text = "";
  }
  yield text + format.tail(nextSeq, headSeq);
}

async function* resume(first: IteratorResult<string>, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  if (first.done !== true) yield first.value;
  yield* rest;
}

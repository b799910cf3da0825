/** What goes wrong over HTTP, as it is answered: every body is `{"error":{"code","message"}}`, also of what is no request. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { RecordingError } from "../recording/recording-error.ts";
import { LibraryError } from "../session/library-error.ts";
import type { GatewayLogger } from "./logger.ts";
import { signInPage } from "./pages.ts";
import { Refused } from "./refused.ts";

/** The sentence may travel: what of a failure names folders, or is ours alone, goes to the log. */
export function asRefused(error: unknown, request: FastifyRequest, logger: GatewayLogger): Refused {
  if (error instanceof Refused) return error;
  if (error instanceof LibraryError) return new Refused(error.code, error.message);
  if (error instanceof RecordingError) {
    logger.error({ err: error, route: request.routeOptions.url }, "a session could not be read");
    return new Refused(
      error.code,
      "recording: it could not be read as far as asked; the server's log says why",
    );
  }
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  if (statusCode === undefined || statusCode >= 500) {
    // The route, not the path: people paste secrets anywhere.
    logger.error({ err: error, method: request.method, route: request.routeOptions.url }, "a request failed");
    return new Refused("internal", "the server failed to answer; its log says why");
  }
  if (statusCode === 413)
    return new Refused("too-large", `body: expected at most ${request.routeOptions.bodyLimit} bytes`);
  if (statusCode === 415)
    return new Refused("unsupported-media-type", "content-type: expected application/json");
  if (code === "FST_ERR_BAD_URL") return new Refused("bad-request", "path: expected UTF-8, percent-encoded");
  if (code?.startsWith("FST_ERR_CTP") || error instanceof SyntaxError) {
    return new Refused("bad-json", "body: expected JSON");
  }
  return new Refused("bad-request", message ?? STATUS_CODES[statusCode] ?? "bad request", statusCode);
}

export function answerError(refused: Refused, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.code(refused.status);
  // What is left of a body that nobody wants is not waited for.
  if (!request.raw.complete) reply.header("Connection", "close");
  if (refused.status === 401) {
    reply.header("WWW-Authenticate", 'Bearer realm="thalweg"');
    if (request.headers.accept?.includes("text/html")) {
      return reply.type("text/html; charset=utf-8").send(signInPage(refused.message));
    }
  }
  return reply.type("application/json; charset=utf-8").send(refused.body);
}

/** Bytes that are no request: Node hands over the bare socket. */
export function answerNoRequest({ code }: { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || code === "ECONNRESET") return;
  const { status, body } =
    code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? new Refused("request-timeout", "request: expected all of it by now, got a part")
      : code === "HPE_HEADER_OVERFLOW"
        ? new Refused("headers-too-large", "headers: expected at most 16 KiB, got more")
        : new Refused("bad-request", "request: expected HTTP/1.1");
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  );
}

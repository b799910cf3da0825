/** HTTP: the same door, the same errors and the same headers for every route. */
import { STATUS_CODES } from "node:http";
import fastifyStatic from "@fastify/static";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type * as z from "zod/mini";
import type { PresetSummary } from "../../shared/http.ts";
import { ROUTES } from "../../shared/routes.ts";
import { LibraryError, type SessionLibrary } from "../session/library.ts";
import type { Admission } from "./admission.ts";
import type { Auth, Grant } from "./auth.ts";
import type { Doors } from "./doors.ts";
import { addImportRoute } from "./import-route.ts";
import { addLaunchRoutes } from "./launch-routes.ts";
import type { Limits } from "./limits.ts";
import type { GatewayLogger } from "./logger.ts";
import { addMetricsRoute } from "./metrics-route.ts";
import { addOpenApiRoute } from "./openapi.ts";
import { PAGE_SCRIPT_HASH, PAGE_STYLE_HASH, signInPage } from "./pages.ts";
import { addRecordingRoute } from "./recording-route.ts";
import { Refused } from "./refused.ts";
import { addRoute } from "./route.ts";
import { addSamplesRoute } from "./samples-route.ts";
import { addSessionRoutes } from "./session-routes.ts";
import { addShareRoutes } from "./share-routes.ts";
import type { Traffic } from "./socket.ts";
import { addWeightsRoute } from "./weights-route.ts";

export type StartRun = (
  body: unknown,
) => Promise<
  { readonly id: string } | { readonly code: string; readonly message: string; readonly status: number }
>;

export interface HttpOptions {
  readonly library: SessionLibrary;
  readonly auth: Auth;
  readonly admission: Admission;
  readonly doors: Doors;
  readonly limits: Limits;
  readonly logger: GatewayLogger;
  readonly port: () => number;
  readonly scheme: "http" | "https";
  readonly tls: TlsFiles | undefined;
  readonly isDraining: () => boolean;
  readonly traffic: () => Traffic;
  /** The built dashboard. */
  readonly clientFolder: string | undefined;
  /** Sites that may show the dashboard in a frame; none by default. */
  readonly frameAncestors: readonly string[];
  readonly startRun: StartRun | undefined;
  /** What `startRun` takes, for the description of the interface. */
  readonly runSettings: z.ZodMiniObject | undefined;
  readonly presets: readonly PresetSummary[];
  readonly version: string;
}

/** In PEM. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Null on the routes that are open to everybody. */
    grant: Grant | null;
  }
}

const OPEN_PATHS: ReadonlySet<string> = new Set([ROUTES.health.path, ROUTES.readiness.path]);

export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { admission, doors, limits } = options;
  const listening = { headersTimeout: limits.headersMs, requireHostHeader: false };
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    connectionTimeout: limits.idleMs,
    requestTimeout: limits.requestMs,
    // A union of servers for Fastify; nothing here asks which of them it is.
    ...((options.tls === undefined
      ? { http: listening }
      : { https: { ...listening, ...options.tls } }) as object),
    // As long as Node lets any URL be: that no session has such an id is ours to say.
    routerOptions: { maxParamLength: 16 * 1024 },
  });
  app.server.maxHeadersCount = limits.maxHeaders;
  // The one body a page of another site can send without asking.
  app.removeContentTypeParser("text/plain");
  app.decorateRequest("grant", null);

  app.addHook("onRequest", async (request, reply) => {
    reply.headers(safeHeaders(options.frameAncestors));
    const path = pathOf(request);
    if (path.startsWith("/v1/")) reply.header("Cache-Control", "no-store");
    if (OPEN_PATHS.has(path)) return;
    const { origin } = request.headers;
    const isForeign = origin !== undefined && doors.isForeignOriginAllowed(origin);
    if (isForeign) allowForeign(reply, origin);
    // A preflight carries no token; it asks whether one may be sent.
    if (isForeign && request.method === "OPTIONS") return reply.code(204).send();
    const isSafe = request.method === "GET" || request.method === "HEAD";
    // A launch code is its own ticket.
    const answer =
      path === "/launch" && isSafe ? admission.checkHost(request.raw) : admission.admit(request.raw, !isSafe);
    if (answer instanceof Refused) throw answer;
    request.grant = answer;
  });

  app.setErrorHandler((error, request, reply) =>
    answerError(asRefused(error, request, options.logger), request, reply),
  );
  app.setNotFoundHandler((request, reply) =>
    answerError(
      new Refused("not-found", `${request.method} ${pathOf(request)}: nothing is served here`),
      request,
      reply,
    ),
  );

  addRoute(app, options, ROUTES.health, () => "ok");
  addRoute(app, options, ROUTES.readiness, () => {
    if (options.isDraining()) throw new Refused("draining", "the server is stopping");
    return "ok";
  });
  addRoute(app, options, ROUTES.stream, (_asked, reply) => {
    reply.header("Upgrade", "websocket");
    throw new Refused("upgrade-required", "GET /v1/stream: expected a WebSocket handshake");
  });
  addOpenApiRoute(app, options);
  addLaunchRoutes(app, options);
  addSessionRoutes(app, options);
  addSamplesRoute(app, options);
  addWeightsRoute(app, options);
  addRecordingRoute(app, options);
  addShareRoutes(app, options);
  addMetricsRoute(app, options);
  await addImportRoute(app, options);
  if (options.clientFolder !== undefined) {
    await app.register(fastifyStatic, {
      root: options.clientFolder,
      dotfiles: "ignore",
      // The build names assets by their content; only the page that names them must be asked for again.
      setHeaders: (response, path) => {
        const isHashed = /[\\/]assets[\\/]/.test(path);
        response.setHeader("Cache-Control", isHashed ? "private, max-age=31536000, immutable" : "no-cache");
      },
      cacheControl: false,
    });
  }
  return app;
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] ?? "";
}

function safeHeaders(frameAncestors: readonly string[]): Record<string, string> {
  const framedBy = frameAncestors.length > 0 ? frameAncestors.join(" ") : "'none'";
  return {
    "Content-Security-Policy": [
      "default-src 'self'",
      `script-src 'self' ${PAGE_SCRIPT_HASH}`,
      `style-src 'self' ${PAGE_STYLE_HASH}`,
      // Small icons are built into the style sheet; pictures of panels are drawn from memory.
      "img-src 'self' data: blob:",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      `frame-ancestors ${framedBy}`,
    ].join("; "),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
  };
}

/** Tokens travel in a header that the other site's script must know: cookies are never let in from there. */
function allowForeign(reply: FastifyReply, origin: string): void {
  reply.headers({
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Headers": "authorization, content-type, range",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE",
    "Access-Control-Expose-Headers": "content-range, accept-ranges, etag",
    Vary: "Origin",
  });
}

function asRefused(error: unknown, request: FastifyRequest, logger: GatewayLogger): Refused {
  if (error instanceof Refused) return error;
  if (error instanceof LibraryError) return new Refused(error.code, error.message);
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
  if (code?.startsWith("FST_ERR_CTP") || error instanceof SyntaxError) {
    return new Refused("bad-json", "body: expected JSON");
  }
  return new Refused("bad-request", message ?? STATUS_CODES[statusCode] ?? "bad request", statusCode);
}

function answerError(refused: Refused, request: FastifyRequest, reply: FastifyReply): FastifyReply {
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

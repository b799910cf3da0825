/** HTTP: the same door, the same errors and the same headers for every route. */
import fastifyStatic from "@fastify/static";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type * as z from "zod/mini";
import type { PresetSummary } from "../../shared/http.ts";
import { ROUTES } from "../../shared/routes.ts";
import type { SessionLibrary } from "../session/library.ts";
import type { Admission } from "./admission.ts";
import type { Auth, Grant } from "./auth.ts";
import type { Doors } from "./doors.ts";
import { answerError, answerNoRequest, asRefused } from "./http-errors.ts";
import { addImportRoute } from "./import-route.ts";
import { addLaunchRoutes } from "./launch-routes.ts";
import type { Limits } from "./limits.ts";
import type { GatewayLogger } from "./logger.ts";
import { addMetricsRoute } from "./metrics-route.ts";
import { addOpenApiRoute } from "./openapi.ts";
import { PAGE_SCRIPT_HASH, PAGE_STYLE_HASH } from "./pages.ts";
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
    clientErrorHandler: answerNoRequest,
    // A path that cannot be decoded comes to no hook, and is still answered to nobody else than any other.
    frameworkErrors: (error, request, reply) => {
      const refuse = (cause: unknown) =>
        answerError(asRefused(cause, request, options.logger), request, reply);
      admit(request, reply).then(() => reply.sent || refuse(error), refuse);
    },
  });
  app.server.maxHeadersCount = limits.maxHeaders;
  // The one body a page of another site can send without asking.
  app.removeContentTypeParser("text/plain");
  app.decorateRequest("grant", null);

  app.addHook("onRequest", admit);
  async function admit(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    reply.headers(safeHeaders(options.frameAncestors));
    const path = pathOf(request);
    if (path.startsWith("/v1/")) reply.header("Cache-Control", "no-store");
    if (OPEN_PATHS.has(path)) return undefined;
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
    return undefined;
  }

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

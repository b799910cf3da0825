/** The gateway: sessions out to the dashboard and to any other program, over one port. It knows Session, never training. */
import { once } from "node:events";
import type * as z from "zod/mini";
import type { PresetSummary } from "../../shared/http.ts";
import type { SessionLibrary } from "../session/library.ts";
import { Admission } from "./admission.ts";
import type { Auth } from "./auth.ts";
import { type Clock, systemClock } from "./clock.ts";
import { bracketed, Doors } from "./doors.ts";
import { createHttp, type StartRun, type TlsFiles } from "./http.ts";
import { launchPath } from "./launch-routes.ts";
import { LIMITS, type Limits } from "./limits.ts";
import { listen } from "./listen.ts";
import { type GatewayLogger, silent } from "./logger.ts";
import { SocketEndpoint } from "./socket.ts";

export interface GatewayOptions {
  readonly library: SessionLibrary;
  readonly auth: Auth;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Fail when `port` is taken, instead of trying the next. */
  readonly strictPort?: boolean;
  /** Without them, plain HTTP. */
  readonly tls?: TlsFiles;
  readonly allowOrigins?: readonly string[];
  readonly allowHosts?: readonly string[];
  readonly clientFolder?: string;
  readonly frameAncestors?: readonly string[];
  readonly startRun?: StartRun;
  /** What `startRun` takes. */
  readonly runSettings?: z.ZodMiniObject;
  readonly presets?: readonly PresetSummary[];
  readonly version: string;
  readonly logger?: GatewayLogger;
  readonly clock?: Clock;
  readonly limits?: Partial<Limits>;
}

export interface Gateway {
  readonly port: number;
  /** "http://127.0.0.1:4242" */
  readonly url: string;
  /** Signs one browser in, once, within ten minutes. */
  createLaunchUrl(): string;
  readonly connections: number;
  /** Bytes that socket clients have been sent and have not taken. */
  readonly bufferedBytes: number;
  /** Lets clients take what is written, says goodbye, closes. The sessions stay as they are. */
  close(): Promise<void>;
}

/** @throws {ListenError} `port-in-use`, `cannot-listen`. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { library, auth, host, version, logger = silent, clock = systemClock } = options;
  const limits: Limits = { ...LIMITS, ...options.limits };
  let port = options.port;
  let closing: Promise<void> | null = null;

  const { allowHosts = [], allowOrigins = [], frameAncestors = [], presets = [] } = options;
  const doors = new Doors({ host, allowHosts, allowOrigins });
  const admission = new Admission(auth, doors, () => port);
  const scheme = options.tls === undefined ? "http" : "https";
  const app = await createHttp({
    library,
    auth,
    admission,
    doors,
    limits,
    logger,
    port: () => port,
    scheme,
    tls: options.tls,
    isDraining: () => closing !== null,
    traffic: () => endpoint.traffic,
    clientFolder: options.clientFolder,
    frameAncestors,
    startRun: options.startRun,
    runSettings: options.runSettings,
    presets,
    version,
  });
  await app.ready();
  const { server } = app;
  const endpoint = new SocketEndpoint({ library, admission, clock, limits, version, logger });
  const revocations = auth.revocations$.subscribe(() => endpoint.checkGrants());
  server.on("upgrade", (request, socket, head) => endpoint.upgrade(request, socket, head));
  try {
    const isStrict = options.strictPort ?? false;
    port = await listen(server, { host, port, isStrict, tries: limits.portTries });
  } catch (cause) {
    await endpoint.close();
    await app.close();
    throw cause;
  }
  const isEverywhere = host === "0.0.0.0" || host === "::";
  const url = `${scheme}://${isEverywhere ? "127.0.0.1" : bracketed(host)}:${port}`;

  async function close(): Promise<void> {
    revocations.unsubscribe();
    await endpoint.close();
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    const deadline = setTimeout(() => server.closeAllConnections(), limits.drainMs);
    await closed;
    clearTimeout(deadline);
    await app.close();
  }

  return {
    port,
    url,
    createLaunchUrl: () => url + launchPath(auth.createLaunchCode().code),
    get connections() {
      return endpoint.connections;
    },
    get bufferedBytes() {
      return endpoint.bufferedBytes;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

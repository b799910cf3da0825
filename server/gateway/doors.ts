/** From where one may come in: which Host and Origin headers are believed. */

const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

export interface DoorsOptions {
  /** The address listened on: a name given there is a name to be called by. */
  readonly host: string;
  /** `lab.example` on any port, `lab.example:8080` on one. */
  readonly allowHosts: readonly string[];
  /** `https://lab.example`, exactly as a browser writes it. */
  readonly allowOrigins: readonly string[];
}

export class Doors {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor({ host, allowHosts, allowOrigins }: DoorsOptions) {
    // "Every address" is no name: pages on the web can reach 0.0.0.0.
    const own = host === "0.0.0.0" || host === "::" ? [] : [bracketed(host)];
    this.#hosts = new Set([...own, ...allowHosts].map((name) => name.toLowerCase()));
    this.#origins = new Set(allowOrigins.map((origin) => origin.toLowerCase().replace(/\/$/, "")));
  }

  /**
   * A web page whose own name has been pointed at this machine (DNS rebinding) sends that name. Loopback names and the literal address
   * that was connected to cannot be rebound.
   */
  isHostAllowed(hostHeader: string | undefined, localAddress: string | undefined): boolean {
    const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(hostHeader?.toLowerCase() ?? "");
    const name = parts?.[1];
    if (parts === null || name === undefined) return false;
    const isAddress = localAddress !== undefined && name === bracketed(localAddress.replace(/^::ffff:/, ""));
    return LOOPBACK_NAMES.has(name) || isAddress || this.#hosts.has(name) || this.#hosts.has(parts[0]);
  }

  /** Tools send none. A page may come from here, as the Host header (checked on its own) names it, or from where it was allowed. */
  isOriginAllowed(origin: string | undefined, hostHeader: string | undefined): boolean {
    return origin === undefined || isOwn(origin, hostHeader) || this.isForeignOriginAllowed(origin);
  }

  /** Browsers send cookies to every port of a host: a page that is let in from elsewhere comes with a token. */
  isCookieAllowed(origin: string | undefined, hostHeader: string | undefined): boolean {
    return origin === undefined || isOwn(origin, hostHeader) || !this.isForeignOriginAllowed(origin);
  }

  isForeignOriginAllowed(origin: string): boolean {
    return origin !== "null" && this.#origins.has(origin.toLowerCase());
  }
}

function isOwn(origin: string, hostHeader: string | undefined): boolean {
  const asked = origin.toLowerCase();
  const host = hostHeader?.toLowerCase() ?? "";
  return asked === `http://${host}` || asked === `https://${host}`;
}

/** An address as it stands in a URL. */
export function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

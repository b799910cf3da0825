/** The checks before anything else, for the socket and HTTP alike, in the order protocol.md promises: token, Origin, Host. */
import type { IncomingMessage } from "node:http";
import type { Auth, Grant } from "./auth.ts";
import type { Doors } from "./doors.ts";
import { Refused } from "./refused.ts";

export class Admission {
  readonly #auth: Auth;
  readonly #doors: Doors;
  readonly #port: () => number;

  constructor(auth: Auth, doors: Doors, port: () => number) {
    this.#auth = auth;
    this.#doors = doors;
    this.#port = port;
  }

  /** @param checksOrigin  for the socket, and for every method that may change something. */
  admit(request: IncomingMessage, checksOrigin: boolean): Grant | Refused {
    const { origin, host } = request.headers;
    const takesCookie = this.#doors.isCookieAllowed(origin, host);
    const grant = this.#auth.authorise(request, takesCookie ? this.#port() : null);
    if (grant === null) {
      return new Refused(
        "unauthorized",
        `authorization: expected a valid token${takesCookie ? " or cookie" : ""}`,
      );
    }
    if (checksOrigin && !this.#doors.isOriginAllowed(origin, host)) {
      return new Refused(
        "origin-not-allowed",
        `origin: expected this server's or an allowed one, got "${origin}"`,
      );
    }
    return this.checkHost(request) ?? grant;
  }

  checkHost(request: IncomingMessage): Refused | null {
    const { host } = request.headers;
    if (this.#doors.isHostAllowed(host, request.socket.localAddress)) return null;
    return new Refused(
      "host-not-allowed",
      `host: expected a loopback name or an allowed one, got "${host ?? ""}"`,
    );
  }
}

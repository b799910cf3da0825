/** Taking a port. */
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";

/** The address cannot be listened on: the world's doing, not a bug. */
export class ListenError extends Error {
  readonly code: "port-in-use" | "cannot-listen";

  constructor(code: ListenError["code"], message: string) {
    super(message);
    this.name = "ListenError";
    this.code = code;
  }
}

/**
 * Listens on `port`, or, unless `isStrict`, on the next free one of `tries`.
 *
 * @returns the port taken.
 * @throws {ListenError} none is free, or the host is none of this machine's.
 */
export async function listen(
  server: Server,
  { host, port, isStrict, tries }: { host: string; port: number; isStrict: boolean; tries: number },
): Promise<number> {
  const last = isStrict || port === 0 ? port : Math.min(port + tries - 1, 65_535);
  for (let candidate = port; candidate <= last; candidate++) {
    try {
      server.listen(candidate, host);
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE") {
        throw new ListenError(
          "cannot-listen",
          `host: expected an address of this machine, got ${host}:${candidate} (${code})`,
        );
      }
    }
  }
  const tried = port === last ? `port ${port}, which is in use` : `ports ${port} to ${last}, all in use`;
  throw new ListenError("port-in-use", `port: expected a free one, got ${tried}`);
}

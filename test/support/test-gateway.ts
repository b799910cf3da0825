import { Auth } from "../../server/gateway/auth.ts";
import { type Gateway, type GatewayOptions, startGateway } from "../../server/gateway/gateway.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import type { Session } from "../../server/session/session.ts";
import { TestClient } from "./test-client.ts";

export const TOKEN = "test-token-0123456789";
export const READ_TOKEN = "read-token-0123456789";

export interface TestGateway extends Gateway {
  readonly library: SessionLibrary;
  readonly auth: Auth;
  connect(): Promise<TestClient>;
  get(path: string, init?: RequestInit): Promise<Response>;
}

/** On any free loopback port, without batching delays unless a test asks for them. */
export async function testGateway(
  sessions: readonly Session[],
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const library = options.library ?? new SessionLibrary();
  for (const session of sessions) library.add(session);
  const auth = options.auth ?? new Auth({ token: TOKEN, readToken: READ_TOKEN });
  const gateway = await startGateway({
    library,
    host: "127.0.0.1",
    port: 0,
    version: "0.0.0",
    ...options,
    auth,
    limits: { batchMs: 0, ...options.limits },
  });
  return Object.assign(Object.create(gateway) as Gateway, {
    library,
    auth,
    connect: () => TestClient.open(gateway.url, { token: TOKEN }),
    get: (path: string, init: RequestInit = {}) =>
      fetch(gateway.url + path, { ...init, headers: { authorization: `Bearer ${TOKEN}`, ...init.headers } }),
  });
}

import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { Auth, createToken } from "../../server/gateway/auth.ts";
import { SessionLibrary } from "../../server/session/library.ts";
import { LibraryError } from "../../server/session/library-error.ts";
import { MemorySession } from "../support/memory-session.ts";
import { sessionHeader } from "../support/session-header.ts";
import { testGateway } from "../support/test-gateway.ts";

/** Everything fails, so that everything is logged; at the level that logs most, with pino's own serialisers of errors and requests. */
class FailingLibrary extends SessionLibrary {
  override async summaries(): Promise<never> {
    throw new Error("the list cannot be made");
  }
  override async rename(): Promise<never> {
    throw new LibraryError("disk-error", "the disk answered EIO");
  }
  override async remove(): Promise<never> {
    throw new TypeError("a bug");
  }
}

it("no token, cookie, launch code or share code is ever logged, or answered", async () => {
  let logged = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  });
  const [token, readToken] = [createToken(), createToken()];
  const auth = new Auth({ token, readToken });
  const session = new MemorySession(sessionHeader());
  session.beforeRead = async () => {
    throw new Error("the disk is gone");
  };
  session.append({ channel: "train/loss", step: 0, value: 1 });
  const library = new FailingLibrary();
  const logger = pino({ level: "trace" }, sink);
  const gateway = await testGateway([session], {
    auth,
    library,
    logger,
    startRun: async () => {
      throw new Error("a run cannot start");
    },
  });
  const launch = auth.createLaunchCode().code;
  const cookie = auth.redeem(auth.createLaunchCode().code) ?? "";
  const share = auth.createShare(session.header.id, 60_000).code;
  const wrong = createToken();
  const secrets = { token, readToken, launch, cookie, share, wrong };

  let answers = "";
  const paths = [
    "/v1/sessions",
    `/v1/sessions/${session.header.id}`,
    `/v1/sessions/live/samples?channel=*&token=SECRET`,
    "/v1/sessions/live/weights?step=0&access_token=SECRET",
    "/v1/recordings",
    "/v1/shares?code=SECRET",
    "/v1/SECRET",
    "/SECRET?x=SECRET",
    "/%ZZ?SECRET",
    "/v1/sessions/SECRET",
  ];
  for (const secret of Object.values(secrets)) {
    const visitors: Record<string, string>[] = [
      { authorization: `Bearer ${secret}` },
      { authorization: `Basic ${secret}`, cookie: `thalweg_${gateway.port}=${secret}` },
      { cookie: `thalweg_${gateway.port}=${secret}`, referer: `${gateway.url}/launch?code=${secret}` },
    ];
    for (const headers of visitors) {
      for (const method of ["GET", "POST", "PATCH", "DELETE", "OPTIONS"]) {
        for (const path of paths) {
          const body = method === "GET" || method === "OPTIONS" ? {} : { body: '{"name":"x"}' };
          const url = gateway.url + path.replaceAll("SECRET", secret);
          const type = { "content-type": "application/json" };
          const answer = await fetch(url, { method, headers: { ...headers, ...type }, ...body });
          // A path that somebody asks for comes back to them, in the sentence that nothing is there.
          if (!path.includes("SECRET"))
            answers += JSON.stringify([...answer.headers]) + (await answer.text());
          else await answer.arrayBuffer();
        }
      }
    }
    for (const protocols of [["thalweg.v1", `bearer.${secret}`], [`bearer.${secret}`]]) {
      const socket = new WebSocket(
        `${gateway.url.replace("http", "ws")}/v1/stream?token=${secret}`,
        protocols,
      );
      socket.on("error", () => {});
      socket.on("open", () => {
        socket.send(JSON.stringify({ op: "list", request: secret }));
        socket.send(JSON.stringify({ op: "subscribe", id: 1, session: "live", channels: ["*"] }));
        socket.send(`{"op":"describe","session":"${secret}"}`);
        socket.send(secret);
        socket.close();
      });
      await new Promise((resolve) => socket.once("close", resolve));
    }
  }
  await gateway.close();
  expect(logged).toContain("the list cannot be made");
  expect(logged).toContain("a bug");
  expect(logged).toContain("a socket was refused");
  for (const [name, secret] of Object.entries(secrets)) {
    expect([name, logged.includes(secret), answers.includes(secret)]).toEqual([name, false, false]);
  }
});

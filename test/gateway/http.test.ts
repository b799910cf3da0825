import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ListenError } from "../../server/gateway/listen.ts";
import { RecordingError } from "../../server/recording/recording-error.ts";
import { ErrorBody } from "../../shared/http.ts";
import { eventually } from "../support/eventually.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

const RECORDING = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));

let folder: string;
let session: MemorySession;
let recorded: MemorySession;
let gateway: TestGateway;
const started: unknown[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-gateway-"));
  await writeFile(join(folder, "run.mcap"), RECORDING);
  await mkdir(join(folder, "dashboard", "assets"), { recursive: true });
  await writeFile(join(folder, "dashboard", "index.html"), "<!doctype html><title>dashboard</title>");
  await writeFile(join(folder, "dashboard", "assets", "main-abc.js"), "export {};");
  await writeFile(join(folder, "secret.txt"), "hidden words");
  const channels = [
    descriptor("train/loss"),
    descriptor("hessian/eigenvalues"),
    descriptor("train/weights", { encoding: "f32", heavy: true }),
  ];
  session = new MemorySession(sessionHeader({ channels, startedAtMs: 2_000 }));
  for (let step = 0; step < 40; step++) {
    session.append({ channel: "train/loss", step, value: step === 3 ? Number.NaN : step / 3 });
    if (step % 10 === 0) {
      session.append(
        { channel: "hessian/eigenvalues", step, value: { top: [{ value: step, note: 'a,"b"' }] } },
        { channel: "train/weights", step, value: new Float32Array([step, 0.1, -0, 1e-40]) },
      );
    }
  }
  recorded = new MemorySession(
    sessionHeader({ id: "f".repeat(32), startedAtMs: 1_000, channels }),
    join(folder, "run.mcap"),
  );
  recorded.append({ channel: "train/loss", step: 0, value: 1 });
  recorded.append({ channel: "train/loss", step: 1, value: 0.5 });
  recorded.forget(1);
  recorded.end("finished");
  gateway = await testGateway([recorded, session], {
    clientFolder: join(folder, "dashboard"),
    presets: [{ name: "edge", title: "Edge of stability", about: "…" }],
    startRun: async (body) => {
      started.push(body);
      return (body as { preset?: string }).preset === "edge"
        ? { id: session.header.id }
        : { code: "unknown-preset", message: 'preset: expected "edge", got "egde"', status: 400 };
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

const json = async (path: string) => {
  const response = await gateway.get(path);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

describe("sessions", () => {
  it("are listed newest first, described one by one, and found as live", async () => {
    const { body } = await json("/v1/sessions");
    const { sessions } = body as { sessions: { id: string; live: boolean }[] };
    expect(sessions.map(({ id, live }) => [id, live])).toEqual([
      [session.header.id, true],
      [recorded.header.id, false],
    ]);
    const live = await json("/v1/sessions/live");
    expect(live.body).toMatchObject({
      state: "running",
      headSeq: 47,
      earliestSeq: 0,
      capabilities: ["weights"],
    });
    const { body: other } = await json(`/v1/sessions/${recorded.header.id}`);
    expect(other).toMatchObject({
      state: "ended",
      reason: "finished",
      capabilities: ["weights", "recording"],
    });
  });

  it("that do not exist are a 404 with a code and no stack trace", async () => {
    for (const id of ["nope", "..%2F..%2Fetc%2Fpasswd", "a".repeat(2000), "%00"]) {
      const { status, body } = await json(`/v1/sessions/${id}`);
      expect([id, status]).toEqual([id, 404]);
      expect(body).toMatchObject({ error: { code: "unknown-session" } });
      expect(JSON.stringify(body)).not.toMatch(/\.ts|node_modules| at /);
    }
  });

  it("are started by the run's own validation, whose refusals are passed on", async () => {
    const post = (body: string, type = "application/json") =>
      gateway.get("/v1/sessions", { method: "POST", body, headers: { "content-type": type } });
    const ok = await post(`{"preset":"edge","steps":5}`);
    expect(ok.status).toBe(201);
    expect(ok.headers.get("location")).toBe(`/v1/sessions/${session.header.id}`);
    expect(await ok.json()).toEqual({ id: session.header.id });
    expect(started).toEqual([{ preset: "edge", steps: 5 }]);
    const refused = await post(`{"preset":"egde"}`);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { code: "unknown-preset" } });
    const statuses = [
      await post("{"),
      await post("x=1", "text/plain"),
      await post(`"${"x".repeat(70_000)}"`),
    ];
    expect(statuses.map(({ status }) => status)).toEqual([400, 415, 413]);
    expect(await statuses[0]?.json()).toEqual({
      error: { code: "bad-json", message: "body: expected JSON" },
    });
  });

  it("have presets to choose from", async () => {
    expect((await json("/v1/presets")).body).toMatchObject({ presets: [{ name: "edge" }] });
  });
});

describe("samples", () => {
  const path = (query: string) => `/v1/sessions/live/samples?${query}`;

  it("come as JSON, page by page, with the seqs of the socket", async () => {
    const seen: number[] = [];
    let from = 0;
    for (let pages = 0; pages < 10; pages++) {
      const { body } = await json(path(`channel=train/loss&from=${from}&limit=9`));
      const page = body as { samples: { seq: number }[]; nextSeq: number; headSeq: number };
      seen.push(...page.samples.map(({ seq }) => seq));
      from = page.nextSeq;
      if (from > page.headSeq) break;
    }
    const all = session.events.filter(({ channel }) => channel === 0).map(({ seq }) => seq);
    expect(seen).toEqual(all);
  });

  it("carry what was recorded, every nth step, of several channels", async () => {
    const { body } = await json(path("channel=train/loss&channel=hessian/*&every=20"));
    expect(body["samples"]).toMatchObject([
      { seq: 0, channel: "train/loss", step: 0, value: 0 },
      { seq: 1, channel: "hessian/eigenvalues", step: 0 },
      { channel: "train/loss", step: 20, value: 20 / 3 },
      { channel: "hessian/eigenvalues", step: 20, value: { top: [{ value: 20, note: 'a,"b"' }] } },
    ]);
  });

  it("come as NDJSON and as CSV", async () => {
    const ndjson = await gateway.get(path("channel=train/loss&limit=4&format=ndjson"));
    expect(ndjson.headers.get("content-type")).toContain("application/x-ndjson");
    const lines = (await ndjson.text()).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).value)).toEqual([0, 1 / 3, 2 / 3, "NaN"]);
    const csv = await gateway.get(path("channel=*&limit=7&format=csv"));
    const rows = (await csv.text()).trimEnd().split("\r\n");
    expect(rows[0]).toBe("seq,channel,step,wallTimeMs,value");
    expect(rows[2]).toBe(`1,hessian/eigenvalues,0,2000,"{""top"":[{""value"":0,""note"":""a,\\""b\\""""}]}"`);
    expect(rows[5]).toBe("5,train/loss,3,2030,NaN");
    expect(rows[4]).toBe(`4,train/loss,2,2020,${2 / 3}`);
  });

  it("refuse what cannot be asked, naming the field", async () => {
    const cases: [string, number, string][] = [
      ["", 400, "bad-query"],
      ["channel=train/loss&limit=0", 400, "bad-query"],
      ["channel=train/loss&limit=100001", 400, "bad-query"],
      ["channel=train/loss&limit=1e3", 400, "bad-query"],
      ["channel=train/loss&from=-1", 400, "bad-query"],
      ["channel=train/loss&form=csv", 400, "bad-query"],
      ["channel=train/loss&format=xml", 400, "bad-query"],
      ["channel=train/weights", 400, "binary-channel"],
      ["channel=train/los", 404, "unknown-channel"],
      ["channel=train/loss&from=1000", 409, "diverged"],
    ];
    for (const [query, status, code] of cases) {
      const answer = await json(path(query));
      expect([query, answer.status, answer.body]).toMatchObject([query, status, { error: { code } }]);
    }
    const gone = await json(`/v1/sessions/${recorded.header.id}/samples?channel=train/loss&from=0`);
    expect(gone).toMatchObject({ status: 410, body: { error: { code: "retention" } } });
  });

  it("of a log that cannot be read are an error, not an empty success", async () => {
    session.beforeRead = async () => {
      throw new Error("EIO /root/secret");
    };
    const answer = await json(path("channel=train/loss"));
    session.beforeRead = async () => {};
    expect(answer).toMatchObject({ status: 500, body: { error: { code: "internal" } } });
    expect(JSON.stringify(answer.body)).not.toContain("secret");
    expect(session.openCursors).toBe(0);
  });

  it("of a log whose file is damaged say so, and not that it is our fault, without its folder", async () => {
    session.beforeRead = async () => {
      throw new RecordingError("damaged", "/root/secret/a.mcap: expected the chunks that were read before");
    };
    const answer = await json(path("channel=train/loss"));
    session.beforeRead = async () => {};
    expect(answer).toMatchObject({ status: 422, body: { error: { code: "damaged" } } });
    expect(JSON.stringify(answer.body)).not.toContain("secret");
  });

  it("are read only as fast as the client takes them", async () => {
    const big = new MemorySession(sessionHeader({ id: "e".repeat(32), startedAtMs: 500 }));
    const value = "x".repeat(2_000);
    big.append(...Array.from({ length: 20_000 }, (_, step) => ({ channel: "train/loss", step, value })));
    gateway.library.add(big);
    const stop = new AbortController();
    const response = await gateway.get(
      `/v1/sessions/${big.header.id}/samples?channel=train/loss&limit=20000`,
      {
        signal: stop.signal,
      },
    );
    const reader = response.body?.getReader();
    await reader?.read();
    // 40 MB; what is in flight is the sockets' buffers and one read.
    let before = -1;
    await eventually(() => {
      const isStill = big.readSamples === before;
      before = big.readSamples;
      return isStill;
    }).toBe(true);
    expect(big.readSamples).toBeLessThan(15_000);
    stop.abort();
    await eventually(() => big.openCursors).toBe(0);
  });
});

describe("weights", () => {
  it("come as float32, bit for bit, and as a NumPy file", async () => {
    const theta = new Float32Array([20, 0.1, -0, 1e-40]);
    const raw = await gateway.get("/v1/sessions/live/weights?step=20");
    expect(new Uint8Array(await raw.arrayBuffer())).toEqual(new Uint8Array(theta.buffer));
    const npy = Buffer.from(
      await (await gateway.get("/v1/sessions/live/weights?step=20&format=npy")).arrayBuffer(),
    );
    expect(npy.subarray(0, 8)).toEqual(Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]));
    const headerEnd = 10 + npy.readUInt16LE(8);
    expect(headerEnd % 64).toBe(0);
    const header = npy.toString("latin1", 10, headerEnd);
    expect(header).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(4,\), \} *\n$/);
    const values = [0, 1, 2, 3].map((i) => npy.readFloatLE(headerEnd + 4 * i));
    expect(values).toEqual([...theta]);
    expect(npy.length).toBe(headerEnd + 16);
  });

  it("of a step that is not recorded are a 404 that names the nearest", async () => {
    const { status, body } = await json("/v1/sessions/live/weights?step=17");
    expect(status).toBe(404);
    expect(body).toEqual({
      error: {
        code: "not-recorded",
        message: "step: expected a step whose weights are recorded, got 17; the nearest are 10 and 20",
      },
    });
    expect((await json(`/v1/sessions/${recorded.header.id}/weights?step=1`)).status).toBe(404);
    for (const query of ["", "step=-1", "step=1.5", "step=20&format=npz"]) {
      expect((await json(`/v1/sessions/live/weights?${query}`)).status).toBe(400);
    }
  });
});

describe("the recording", () => {
  const path = () => `/v1/sessions/${recorded.header.id}/recording.mcap`;
  const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer());

  it("comes whole, or in ranges", async () => {
    const whole = await gateway.get(path());
    expect(whole.status).toBe(200);
    expect(whole.headers.get("content-length")).toBe("1000");
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    expect(await bytes(whole)).toEqual(RECORDING);
    const ranges: [string, number, number, number][] = [
      ["bytes=0-0", 206, 0, 0],
      ["bytes=100-199", 206, 100, 199],
      ["bytes=990-", 206, 990, 999],
      ["bytes=-10", 206, 990, 999],
      ["bytes=-5000", 206, 0, 999],
      ["bytes=990-5000", 206, 990, 999],
      ["bytes=5-2", 200, 0, 999],
      ["bytes=0-1,5-6", 200, 0, 999],
      ["lines=0-1", 200, 0, 999],
    ];
    for (const [range, status, start, end] of ranges) {
      const response = await gateway.get(path(), { headers: { range } });
      expect([range, response.status]).toEqual([range, status]);
      expect(await bytes(response)).toEqual(RECORDING.subarray(start, end + 1));
      const contentRange = status === 206 ? `bytes ${start}-${end}/1000` : null;
      expect(response.headers.get("content-range")).toBe(contentRange);
    }
  });

  it("refuses a range beyond its end, and names its size", async () => {
    for (const range of ["bytes=1000-", "bytes=-0"]) {
      const response = await gateway.get(path(), { headers: { range } });
      expect(response.status).toBe(416);
      expect(response.headers.get("content-range")).toBe("bytes */1000");
      expect(await response.json()).toMatchObject({ error: { code: "range" } });
    }
  });

  it("resumes only the file that was begun, and tells its size to HEAD", async () => {
    const head = await gateway.get(path(), { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe("1000");
    const etag = head.headers.get("etag") ?? "";
    const same = await gateway.get(path(), { headers: { range: "bytes=10-19", "if-range": etag } });
    expect([same.status, (await bytes(same)).length]).toEqual([206, 10]);
    const other = await gateway.get(path(), { headers: { range: "bytes=10-19", "if-range": '"other"' } });
    expect([other.status, (await bytes(other)).length]).toEqual([200, 1000]);
  });

  it("is a 404 where there is none", async () => {
    expect(await json("/v1/sessions/live/recording.mcap")).toMatchObject({
      status: 404,
      body: { error: { code: "no-recording" } },
    });
  });
});

describe("the dashboard", () => {
  it("is served to those who are inside, with headers that let nothing else in", async () => {
    const page = await gateway.get("/");
    expect(await page.text()).toContain("<title>dashboard</title>");
    const { headers } = page;
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'self';.*frame-ancestors 'none'$/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-cache");
    const asset = await gateway.get("/assets/main-abc.js");
    expect(asset.headers.get("cache-control")).toContain("immutable");
    expect((await fetch(`${gateway.url}/assets/main-abc.js`)).status).toBe(401);
  });

  it("gives away nothing outside its folder", async () => {
    for (const path of ["/..%2fsecret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"]) {
      const response = await gateway.get(path);
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(await response.text()).not.toContain("hidden words");
    }
  });

  it("may be framed by those who are allowed", async () => {
    const framed = await testGateway([], { frameAncestors: ["https://wiki.example"] });
    const { headers } = await framed.get("/v1/sessions");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors https://wiki.example");
    await framed.close();
  });
});

describe("the server", () => {
  it("says ok, and no more, to anybody who asks for its health", async () => {
    for (const path of ["/healthz", "/readyz"]) {
      const response = await fetch(gateway.url + path);
      expect([response.status, await response.text()]).toEqual([200, "ok"]);
    }
  });

  it("answers in its own words what is no path, and only those who are inside", async () => {
    const answer = await json("/v1/sessions/%ff");
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "bad-request" } } });
    const outside = await fetch(`${gateway.url}/v1/sessions/%ff`);
    expect(outside.status).toBe(401);
    expect(outside.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await outside.json()).toMatchObject({ error: { code: "unauthorized" } });
  });

  it.each([
    ["no HTTP at all\r\n\r\n", 400, "bad-request"],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431, "headers-too-large"],
  ])("answers in its own words what is no request: %#", async (text, status, code) => {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.end(text);
    const answer = Buffer.concat(await socket.toArray()).toString();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(ErrorBody.parse(JSON.parse(answer.split("\r\n\r\n")[1] ?? ""))).toMatchObject({ error: { code } });
  });

  it("takes the next free port, unless that very port was asked for", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const next = await testGateway([], { port });
    expect(next.port).toBeGreaterThan(port);
    expect(next.url).toBe(`http://127.0.0.1:${next.port}`);
    await next.close();
    const strict = testGateway([], { port, strictPort: true });
    await expect(strict).rejects.toThrow(`port: expected a free one, got port ${port}, which is in use`);
    await expect(strict).rejects.toMatchObject({ code: "port-in-use" });
    await expect(testGateway([], { host: "203.0.113.1" })).rejects.toBeInstanceOf(ListenError);
    other.close();
  });
});

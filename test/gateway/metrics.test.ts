import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exposition } from "../../server/gateway/metrics.ts";
import { eventually } from "../support/eventually.ts";
import { MemorySession } from "../support/memory-session.ts";
import { sessionHeader } from "../support/session-header.ts";
import { READ_TOKEN, type TestGateway, testGateway } from "../support/test-gateway.ts";

interface Family {
  type: string;
  help: string;
  readonly values: { readonly labels: Record<string, string>; readonly value: number }[];
}

/** The text format 0.0.4, as far as gauges and counters go, line by line; throws at the first that is not in it. */
function parse(text: string): Record<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families: Record<string, Family> = {};
  const family = (name: string) => (families[name] ??= { type: "", help: "", values: [] });
  const plain = (written: string) =>
    written.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = "", rest = ""] = comment;
      const of = family(name);
      if (of.values.length > 0) throw new Error(`${line}: after the values`);
      if (kind === "HELP") of.help = plain(rest);
      else if (["gauge", "counter"].includes(rest)) of.type = rest;
      else throw new Error(`${line}: type`);
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\["\\n])*",?)*)\})? (\S+)$/.exec(
      line,
    );
    if (sample === null) throw new Error(`${line}: neither comment nor sample`);
    const [, name = "", labels = "", number = ""] = sample;
    const value = { NaN: Number.NaN, "+Inf": Number.POSITIVE_INFINITY }[number] ?? Number(number);
    if (Number.isNaN(value) && number !== "NaN") throw new Error(`${line}: number`);
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    const named = Object.fromEntries(pairs.map(([, key = "", written = ""]) => [key, plain(written)]));
    family(name).values.push({ labels: named, value });
  }
  return families;
}

describe("exposition", () => {
  it("is read back as it was meant, whatever is in labels and words", () => {
    const label = 'a "b" \\ c\nd, {e="f"}';
    const text = exposition([
      {
        name: "a_total",
        type: "counter",
        help: "One \\ two\nthree.",
        values: [{ labels: { label }, value: 1e21 }],
      },
      { name: "empty", type: "gauge", help: "Nothing.", values: [] },
      {
        name: "b",
        type: "gauge",
        help: "Odd ones.",
        values: [
          { value: Number.NaN },
          { value: Number.POSITIVE_INFINITY },
          { labels: { x: "" }, value: -0.5 },
        ],
      },
    ]);
    expect(parse(text)).toEqual({
      a_total: { type: "counter", help: "One \\ two\nthree.", values: [{ labels: { label }, value: 1e21 }] },
      b: {
        type: "gauge",
        help: "Odd ones.",
        values: [
          { labels: {}, value: Number.NaN },
          { labels: {}, value: Number.POSITIVE_INFINITY },
          { labels: { x: "" }, value: -0.5 },
        ],
      },
    });
  });
});

describe("/metrics", () => {
  let gateway: TestGateway;
  let session: MemorySession;
  beforeEach(async () => {
    session = new MemorySession(sessionHeader({ id: "a".repeat(32) }));
    const ended = new MemorySession(sessionHeader({ id: "b".repeat(32) }));
    ended.end("finished");
    gateway = await testGateway([session, ended]);
  });
  afterEach(() => gateway.close());

  async function ask(init: RequestInit = {}): Promise<Record<string, Family>> {
    const answer = await gateway.get("/metrics", init);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    return parse(await answer.text());
  }
  const read = (families: Record<string, Family>, name: string, labels = {}) =>
    families[name]?.values.find((each) => JSON.stringify(each.labels) === JSON.stringify(labels))?.value;

  it("counts sessions, sockets, frames and bytes as clients see them, also of those who have left", async () => {
    const before = await ask();
    expect(read(before, "thalweg_sessions", { state: "live" })).toBe(1);
    expect(read(before, "thalweg_sessions", { state: "recorded" })).toBe(1);
    expect(read(before, "thalweg_connections")).toBe(0);
    expect(read(before, "thalweg_sent_bytes_total")).toBe(0);

    const client = await gateway.connect();
    let payload = 0;
    client.socket.on("message", (data: ArrayBuffer | Buffer) => {
      payload += data.byteLength;
    });
    client.send({ op: "subscribe", id: 1, session: "live", channels: ["*"] });
    for (let step = 0; step < 50; step++) session.append({ channel: "train/loss", step, value: step });
    await client.until(() => client.samples(1).length === 50);
    await client.settle();
    const during = await ask();
    expect(read(during, "thalweg_connections")).toBe(1);
    expect(read(during, "thalweg_session_step", { session: session.header.id })).toBe(49);
    expect(read(during, "thalweg_sent_frames_total")).toBe(client.received.length);
    // Handshake, welcome and the heads of frames come on top.
    const bytes = read(during, "thalweg_sent_bytes_total") ?? 0;
    expect(bytes).toBeGreaterThan(payload);
    expect(bytes).toBeLessThan(payload + 1000 + 10 * client.received.length);

    expect(read(during, "thalweg_sent_gaps_total")).toBe(0);

    session.forget(10);
    const from = { seq: 0 };
    client.send({ op: "subscribe", id: 2, session: "live", channels: ["*"], from, allowGap: true });
    await client.next("gap");
    await client.until(() => client.samples(2).length === 40);
    await client.settle();
    await client.close();
    await eventually(() => gateway.connections).toBe(0);
    const after = await ask();
    expect(read(after, "thalweg_sent_gaps_total")).toBe(1);
    expect(read(after, "thalweg_connections_total")).toBe(1);
    expect(read(after, "thalweg_sent_frames_total")).toBe(client.received.length);
    expect(read(after, "thalweg_sent_bytes_total")).toBeGreaterThanOrEqual(bytes);
  });

  it("watches the event loop from the first question on", async () => {
    expect((await ask())["thalweg_event_loop_delay_seconds"]).toBeUndefined();
    // The loop turns, stands still, and turns on: it is looked at every 20 ms.
    const turn = async (ms: number, isStill: boolean) => {
      const untilMs = performance.now() + ms;
      while (performance.now() < untilMs) if (!isStill) await new Promise((resolve) => setImmediate(resolve));
    };
    const longest = async () => {
      await turn(50, false);
      await turn(120, true);
      await turn(50, false);
      return read(await ask(), "thalweg_event_loop_delay_seconds", { quantile: "1" }) ?? 0;
    };
    await eventually(longest).toBeGreaterThan(0.08);
  });

  it("tells how large the process is", async () => {
    const families = await ask();
    const rss = read(families, "process_resident_memory_bytes") ?? 0;
    expect(rss).toBeGreaterThan(20e6);
    expect(Math.abs(rss / process.memoryUsage.rss() - 1)).toBeLessThan(0.5);
  });

  it("asks who is there, and tells nobody who came by a share link", async () => {
    const status = async (authorization: string) =>
      (await gateway.get("/metrics", { headers: { authorization } })).status;
    expect(await status("Bearer wrong-token-0123456789")).toBe(401);
    expect(await status(`Bearer ${READ_TOKEN}`)).toBe(200);
    const { code } = gateway.auth.createShare(session.header.id, 60_000);
    expect(await status(`Bearer ${code}`)).toBe(403);
  });
});

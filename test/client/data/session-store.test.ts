import { describe, expect, it } from "vitest";
import type { Connection, SessionMessage, Subscription } from "../../../client/connection/connection.ts";
import { RequestError } from "../../../client/connection/requests.ts";
import type { SubscribeRequest, SubscriptionHandlers } from "../../../client/connection/subscription.ts";
import { SessionStore } from "../../../client/data/session-store.ts";
import { troubleSentence } from "../../../client/elements/trouble-sentence.ts";
import type { SessionSummary } from "../../../shared/header.ts";
import { descriptor } from "./descriptors.ts";

const LIVE = "a".repeat(32);
const OLD = "b".repeat(32);

function session(
  id: string,
  headSeq: number,
  channels = [descriptor("train/loss"), descriptor("run/status", [])],
): SessionMessage {
  // The store reads id, name and steps of a header; the rest is the dashboard's.
  const header = { id, name: "test", steps: 100, startedAtMs: 0 } as SessionMessage["header"];
  const heavy = { ...descriptor("train/weights"), heavy: true, encoding: "f32" as const };
  return {
    op: "session",
    header,
    channels: [...channels, heavy],
    state: "running",
    reason: null,
    capabilities: ["control"],
    earliestSeq: 0,
    headSeq,
  };
}

function summary(id: string, live: boolean, startedAtMs: number): SessionSummary {
  return { id, live, startedAtMs } as SessionSummary;
}

class FakeConnection {
  sessions: SessionSummary[] = [summary(OLD, false, 5), summary(LIVE, true, 3)];
  described = new Map([
    [LIVE, session(LIVE, 9)],
    [OLD, session(OLD, 9)],
  ]);
  requests: SubscribeRequest[] = [];
  handlers: SubscriptionHandlers = {};
  unsubscribed = 0;
  welcome = { scopes: ["read", "control"] };

  list(): Promise<readonly SessionSummary[]> {
    return Promise.resolve(this.sessions);
  }

  describe(id: string): Promise<SessionMessage> {
    const found = this.described.get(id);
    return found
      ? Promise.resolve(found)
      : Promise.reject(new RequestError("unknown-session", `session: got "${id}"`, false));
  }

  subscribe(request: SubscribeRequest, handlers: SubscriptionHandlers): Subscription {
    this.requests.push(request);
    this.handlers = handlers;
    return { unsubscribe: () => this.unsubscribed++ } as unknown as Subscription;
  }
}

function make() {
  const connection = new FakeConnection();
  const timers: { callback: () => void; delayMs: number }[] = [];
  const store = new SessionStore(connection as unknown as Connection, undefined, {
    setTimeout: (callback, delayMs) => {
      const timer = { callback, delayMs };
      timers.push(timer);
      return timer;
    },
    clearTimeout: (handle) => timers.splice(timers.indexOf(handle as (typeof timers)[number]), 1),
  });
  return { connection, store, timers };
}

function sample(seq: number, step: number, value = 1) {
  return { seq, channel: "train/loss", step, wallTimeMs: seq, value };
}

describe("SessionStore", () => {
  it("opens the newest live session, all its light channels from the start, and no heavy one", async () => {
    const { connection, store } = make();
    await store.open(null);
    expect(store.header?.id).toBe(LIVE);
    expect(connection.requests).toEqual([
      { session: LIVE, channels: ["train/loss", "run/status"], mode: "lossless", from: "start" },
    ]);
    expect(store.view.state.run).toBe(LIVE);
  });

  it("knows why nothing is recorded, until it is again", async () => {
    const { connection, store } = make();
    await store.open(LIVE);
    expect(store.trouble).toBeNull();
    const trouble = { code: "disk-full", message: "a.mcap: no space is left on the disk", isKept: true };
    connection.handlers.state?.({ op: "state", session: LIVE, state: "paused", trouble });
    expect(store.trouble).toEqual(trouble);
    expect(troubleSentence(trouble, store.state)).toBe(
      "a.mcap: no space is left on the disk. Training waits for the disk; nothing is lost so far.",
    );
    connection.handlers.state?.({ op: "state", session: LIVE, state: "running", trouble: null });
    expect(store.trouble).toBeNull();
  });

  it("tells the past from the present, and the end", async () => {
    const { connection, store } = make();
    await store.open(LIVE);
    expect(store.phase).toBe("backfilling");
    connection.handlers.samples?.([sample(0, 0), sample(4, 4)]);
    expect(store.backfilled).toBeCloseTo(4 / 9);
    connection.handlers.samples?.([sample(9, 9)]);
    expect(store.phase).toBe("following");
    expect(store.view.cursor).toEqual({ step: 9, kind: "live" });
    connection.handlers.state?.({ op: "state", session: LIVE, state: "paused" });
    expect([store.state, store.isLive, store.canControl]).toEqual(["paused", true, true]);
    connection.handlers.end?.({ op: "end", id: 1, lastSeq: 9, reason: "finished" });
    expect([store.phase, store.state, store.reason, store.canControl]).toEqual([
      "complete",
      "ended",
      "finished",
      false,
    ]);
  });

  it("ends the backfill when nothing more comes, since its last events may be heavy", async () => {
    const { connection, store, timers } = make();
    await store.open(LIVE);
    connection.handlers.samples?.([sample(7, 7)]);
    expect(store.phase).toBe("backfilling");
    expect(timers.length).toBe(1);
    timers[0]?.callback();
    expect(store.phase).toBe("following");
  });

  it("waits for a session where there is none", async () => {
    const { connection, store, timers } = make();
    connection.sessions = [];
    await store.open(null);
    expect(store.phase).toBe("empty");
    connection.sessions = [summary(OLD, false, 1)];
    timers[0]?.callback();
    await expect.poll(() => store.header?.id).toBe(OLD);
  });

  it("fails in words, and leaves nothing of one session in the next", async () => {
    const { connection, store } = make();
    await store.open("nonsense");
    expect([store.phase, store.error?.code]).toEqual(["failed", "unknown-session"]);
    await store.open(LIVE);
    expect(store.error).toBeNull();
    connection.handlers.samples?.([sample(0, 50)]);
    store.view.pin(20);
    const { history } = store;
    await store.open(OLD);
    expect(connection.unsubscribed).toBe(1);
    expect(store.history).not.toBe(history);
    expect(store.view.state).toMatchObject({ run: OLD, step: null });
    expect(store.view.cursor).toBeNull();
  });

  it("keeps the last of two sessions opened at once", async () => {
    const { connection, store } = make();
    await Promise.all([store.open(LIVE), store.open(OLD)]);
    expect(store.header?.id).toBe(OLD);
    expect(connection.requests.map((request) => request.session)).toEqual([OLD]);
  });
});

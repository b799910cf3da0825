/** Random conversations with the gateway (fast-check draws and shrinks them), each frame held against a model of docs/protocol.md. */
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import fc from "fast-check";
import { testGateway } from "../support/test-gateway.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { Conversation, type Place } from "./conversation.ts";
import { FileLog, MemoryLog, NAMES } from "./model-log.ts";

export const protocolModel: Check = {
  name: "gateway/protocol",
  unit: "conversations",
  fast: 500,
  full: 20_000,
  must: "rules 1 to 5 of protocol.md, at every frame",
  run,
};

/** Of each conversation, beside those that end it. */
const OPERATIONS = 50;
/** Of which the first says most. */
const MOST_COMPLAINTS = 3;
/** A server serves so many conversations; its sessions stay in memory. */
const A_SERVER = 100;

interface Operation {
  act(conversation: Conversation): void | Promise<void>;
  toString(): string;
}

function operation(name: string, act: Operation["act"]): Operation {
  return { act, toString: () => name };
}

/** Anywhere in a log of some hundred events, and often about its head, where things go wrong. */
const position: fc.Arbitrary<Place> = fc.oneof(
  fc.record({ seq: fc.nat(120) }),
  fc.record({ step: fc.nat(40) }),
  fc.record({ fromHead: fc.integer({ min: -3, max: 3 }) }),
);
const subscription = fc.nat(20);
const wanted = fc
  .record({
    channels: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
    mode: fc.constantFrom("lossless" as const, "lossless" as const, "latest" as const),
    from: fc.oneof(fc.constantFrom("start" as const, "now" as const), position),
    every: fc.constantFrom(1, 1, 3),
    maxHz: fc.constantFrom(undefined, 1000),
    allowGap: fc.boolean(),
  })
  .map(({ maxHz, ...rest }) => (maxHz === undefined || rest.mode === "lossless" ? rest : { ...rest, maxHz }));

const settle = operation("settle()", (with_) => with_.settle());
const operations: fc.WeightedArbitrary<Operation>[] = [
  // First: what a failing conversation shrinks to.
  { weight: 4, arbitrary: fc.constant(settle) },
  { weight: 2, arbitrary: fc.constant(operation("turn()", () => turnOfTheLoop())) },
  {
    weight: 8,
    arbitrary: fc
      .array(fc.nat(3), { maxLength: 30, size: "max" })
      .map((channels) => operation(`append(${channels})`, (with_) => with_.log.append(channels))),
  },
  {
    weight: 4,
    arbitrary: wanted.map((asked) =>
      operation(`subscribe(${JSON.stringify(asked)})`, (with_) => with_.subscribe(asked)),
    ),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(subscription, fc.constantFrom("pause" as const, "play" as const))
      .map(([which, op]) => operation(`${op}(${which})`, (with_) => with_.ask(which, { op }))),
  },
  {
    weight: 1,
    arbitrary: subscription.map((which) =>
      operation(`unsubscribe(${which})`, (with_) => with_.ask(which, { op: "unsubscribe" })),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(subscription, fc.constantFrom("asap" as const, 1))
      .map(([which, speed]) =>
        operation(`speed(${which}, ${speed})`, (with_) => with_.ask(which, { op: "speed", speed })),
      ),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(subscription, position)
      .map(([which, to]) =>
        operation(`seek(${which}, ${JSON.stringify(to)})`, (with_) => with_.seek(which, to)),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(subscription, fc.oneof(fc.constant("start" as const), position), position)
      .map(([which, from, to]) =>
        operation(`loop(${which}, ${JSON.stringify(from)}, ${JSON.stringify(to)})`, (with_) =>
          with_.loop(which, from, to),
        ),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .nat(100)
      .map((percent) => operation(`forget(${percent} %)`, (with_) => with_.log.forget(percent / 100))),
  },
  { weight: 2, arbitrary: fc.constant(operation("hold()", (with_) => with_.log.hold())) },
  { weight: 2, arbitrary: fc.constant(operation("release()", (with_) => with_.log.release())) },
  { weight: 2, arbitrary: fc.constant(operation("reconnect()", (with_) => with_.reconnect())) },
];
/** One in three ends before its conversation does, so that an ended session is played, too. */
const endAt = fc.oneof(fc.constant(null), fc.constant(null), fc.nat(OPERATIONS - 1));
const plan = fc.record({
  isFile: fc.boolean(),
  endAt,
  operations: fc.array(fc.oneof({ withCrossShrink: true }, ...operations), {
    minLength: OPERATIONS,
    maxLength: OPERATIONS,
  }),
});

type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

async function run(count: number, seed: number): Promise<Outcome> {
  const failures = new Failures();
  const figures = { operations: 0, events: 0, "held on a file": 0, "ended on the way": 0 };
  let gateway = await testGateway([]);
  let conversations = 0;
  let hasWaited = false;
  const converse = async ({ isFile, endAt, operations }: Plan): Promise<void> => {
    // Shrunk no further: each try would wait as long.
    if (hasWaited) return;
    if (conversations > 0 && conversations % A_SERVER === 0) {
      await gateway.close();
      gateway = await testGateway([]);
    }
    const id = (conversations++).toString(16).padStart(32, "0");
    const log = isFile ? await FileLog.begin(id) : new MemoryLog(id);
    const conversation = await Conversation.begin(gateway, log);
    for (const [at, { act }] of operations.entries()) {
      if (at === endAt) await log.end();
      await act(conversation);
      figures.operations++;
      if (conversation.complaints.length > 0) break;
    }
    if (conversation.complaints.length === 0) await conversation.finish();
    const complaints = await conversation.close();
    figures.events += log.events.length;
    hasWaited = conversation.hasWaited;
    if (isFile) figures["held on a file"]++;
    if (endAt !== null) figures["ended on the way"]++;
    if (complaints.length > 0) throw new Error(complaints.slice(0, MOST_COMPLAINTS).join("; "));
  };
  const result = await fc.check(fc.asyncProperty(plan, converse), { numRuns: count, seed });
  if (result.failed) {
    const { counterexample, errorInstance, counterexamplePath } = result;
    const said = counterexample?.map(({ isFile, endAt, operations }) =>
      [isFile ? "file" : "memory", `end at ${endAt}`, ...operations.filter((done) => done !== settle)].join(
        ", ",
      ),
    );
    failures.add(`${said}: ${String(errorInstance)}, seed ${seed}, path ${counterexamplePath}`);
  }
  await gateway.close();
  return { count: result.numRuns, failures: failures.sentences, figures };
}

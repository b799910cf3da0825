/** Random conversations of several clients with one session, whose sockets stall when chance says so: what they share, and that nobody is sent anything else for it. */
import fc from "fast-check";
import { systemClock } from "../../server/gateway/clock.ts";
import { Feeds } from "../../server/gateway/feeds.ts";
import { LIMITS, type Limits } from "../../server/gateway/limits.ts";
import { FakeSocket, quiet } from "../support/fake-socket.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { MemoryLog } from "./model-log.ts";
import { type Request, Transcript } from "./transcript.ts";
import type { Wanted } from "./watch-model.ts";

export const company: Check = {
  name: "gateway/company",
  unit: "conversations of four",
  fast: 300,
  full: 20_000,
  must: "rules 1, 2, 4 and 5 of protocol.md for each of them; fewer events read than sent",
  run,
};

const CLIENTS = 4;
const OPS = 60;
const MAX_SUBSCRIPTIONS = 4;
/** A stalled client is full after a few samples. */
const LIMITS_HERE: Limits = { ...LIMITS, batchMs: 0, highWaterBytes: 600, batchBytes: 1500, batchEvents: 8 };
/** `subscribed` describes all channels, in a turn of its own. */
const LARGEST_ANSWER_BYTES = 4000;
const LARGEST_THETA_BYTES = 200;
/** Turns of the event loop, by tens, in which everybody must have been told of the end. */
const PATIENCE = 300;

type Operation = Exclude<Request, { readonly op: "subscribe" | "loop" }>;

interface Client {
  readonly socket: FakeSocket;
  readonly transcript: Transcript;
  nextId: number;
}

class Company {
  readonly log = new MemoryLog("c".repeat(32));
  readonly clients: Client[] = [];
  readonly complaints: string[] = [];
  sent = 0;
  ops = 0;
  readonly #feeds = new Feeds({ clock: systemClock, limits: LIMITS_HERE });

  constructor() {
    // Who waits for a read leaves the feed: that is what protocol-model.ts is for.
    this.log.session.beforeRead = async () => {};
    for (let client = 0; client < CLIENTS; client++) this.clients.push(this.#connect());
  }

  subscribe(client: Client, wanted: Wanted): void {
    if (client.nextId >= MAX_SUBSCRIPTIONS) return;
    const id = client.nextId++;
    const request = client.transcript.ask(id, { op: "subscribe", wanted });
    const { channels, ...rest } = wanted;
    const session = this.log.session.header.id;
    client.socket.ask({ op: "subscribe", id, session, request, channels: [...channels], ...rest });
  }

  ask({ socket, transcript }: Client, which: number, what: Operation): void {
    const { live } = transcript;
    const [id] = live[which % Math.max(1, live.length)] ?? [];
    if (id !== undefined) socket.ask({ ...what, id, request: transcript.ask(id, what) });
  }

  /** In the place of one who hangs up, another comes. */
  replace(index: number): void {
    const client = this.clients[index];
    if (client === undefined) return;
    client.socket.hangUp();
    this.#look(client);
    this.clients[index] = this.#connect();
  }

  async finish(): Promise<void> {
    for (const { socket } of this.clients) socket.drain();
    await quiet();
    for (const client of this.clients) {
      client.transcript.live.forEach((_, which) => {
        this.ask(client, which, { op: "speed", speed: "asap" });
        this.ask(client, which, { op: "play" });
      });
    }
    await quiet();
    await this.log.end();
    const isOver = () => this.clients.every(({ transcript }) => transcript.haveAllEnded);
    for (let turn = 0; turn < PATIENCE && !isOver(); turn++) await quiet();
    if (!isOver()) this.complaints.push("somebody was never told of the end");
    for (const client of this.clients) {
      client.transcript.finish();
      this.#look(client);
      client.socket.hangUp();
    }
    await quiet();
    const { openCursors, hurrying } = this.log.session;
    if (openCursors + hurrying > 0)
      this.complaints.push(`${openCursors} cursors and ${hurrying} hurries are left`);
  }

  #connect(): Client {
    const socket = FakeSocket.connect(this.log.session, { feeds: this.#feeds, limits: LIMITS_HERE });
    const client = { socket, transcript: new Transcript(this.log), nextId: 0 };
    socket.onReceived = (message) => {
      client.transcript.take(message);
      if (message.op === "samples") this.sent += message.samples.length;
      if (message.op === "binary") this.sent++;
    };
    // All of them want the same to begin with.
    this.subscribe(client, {
      channels: ["train/loss", "train/weights"],
      mode: "lossless",
      from: "now",
      every: 1,
      allowGap: false,
    });
    return client;
  }

  #look({ socket, transcript }: Client): void {
    const { highWaterBytes, batchBytes } = LIMITS_HERE;
    const allowed = highWaterBytes + Math.max(LARGEST_ANSWER_BYTES, batchBytes + LARGEST_THETA_BYTES);
    this.complaints.push(...transcript.complaints);
    if (socket.mostBuffered > allowed)
      this.complaints.push(`${socket.mostBuffered} bytes waited for one client, more than ${allowed}`);
  }
}

type Act = (company: Company, client: Client, index: number) => void | Promise<void>;

class Command implements fc.AsyncCommand<object, Company> {
  readonly #name: string;
  readonly #index: number;
  readonly #act: Act;

  constructor(name: string, index: number, act: Act) {
    this.#name = name;
    this.#index = index;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_model: object, company: Company): Promise<void> {
    const client = company.clients[this.#index];
    if (client === undefined) return;
    company.ops++;
    await this.#act(company, client, this.#index);
    const [complaint] = company.clients.flatMap(({ transcript }) => transcript.complaints);
    if (complaint !== undefined) throw new Error(complaint);
  }

  toString(): string {
    return `client ${this.#index}: ${this.#name}`;
  }
}

const who = fc.nat(CLIENTS - 1);
const which = fc.nat(MAX_SUBSCRIPTIONS);
const position = fc.oneof(fc.record({ seq: fc.nat(60) }), fc.record({ step: fc.nat(40) }));
/** Few choices, so that many choose the same. */
const wanted = fc.record({
  channels: fc.constantFrom(["train/loss", "run/status"], ["train/loss", "train/weights"]),
  // Those of `latest` share nothing, and read what they leave out.
  mode: fc.constant("lossless" as const),
  from: fc.constantFrom("start" as const, "now" as const),
  every: fc.constantFrom(1, 1, 1, 3),
  allowGap: fc.constant(false),
});
const operation: fc.Arbitrary<Operation> = fc.constantFrom(
  { op: "pause" },
  { op: "play" },
  { op: "unsubscribe" },
  { op: "speed", speed: "asap" },
  { op: "speed", speed: 1000 },
);
const act = <T>(argument: fc.Arbitrary<T>, name: (argument: T) => string, make: (argument: T) => Act) =>
  fc.tuple(who, argument).map(([index, value]) => new Command(name(value), index, make(value)));

const append = act(
  fc.array(fc.nat(3), { maxLength: 20 }),
  (channels) => `append(${channels})`,
  (channels) => (all) => all.log.append(channels),
);
const commands = [
  append,
  append,
  act(
    wanted,
    (asked) => `subscribe(${JSON.stringify(asked)})`,
    (asked) => (all, client) => all.subscribe(client, asked),
  ),
  act(
    fc.tuple(which, operation),
    ([one, { op }]) => `${op}(${one})`,
    ([one, op]) =>
      (all, client) =>
        all.ask(client, one, op),
  ),
  act(
    fc.tuple(which, position),
    ([one, to]) => `seek(${one}, ${JSON.stringify(to)})`,
    ([one, to]) =>
      (all, client) =>
        all.ask(client, one, { op: "seek", to }),
  ),
  act(
    fc.boolean(),
    (isStalled) => (isStalled ? "stall()" : "drain()"),
    (isStalled) =>
      (_all, { socket }) =>
        isStalled ? socket.stall() : socket.drain(),
  ),
  act(
    fc.constant(null),
    () => "hang up()",
    () => (all, _client, index) => all.replace(index),
  ),
  act(
    fc.constant(null),
    () => "quiet()",
    () => () => quiet(),
  ),
];

async function run(count: number, seed: number): Promise<Outcome> {
  const failures = new Failures();
  const figures = { operations: 0, events: 0, "samples read": 0, "samples sent": 0 };
  const conversation = async (plan: Iterable<fc.AsyncCommand<object, Company>>): Promise<void> => {
    const real = new Company();
    await fc.asyncModelRun(() => ({ model: {}, real }), plan);
    await real.finish();
    figures.operations += real.ops;
    figures.events += real.log.events.length;
    figures["samples read"] += real.log.session.readSamples;
    figures["samples sent"] += real.sent;
    if (real.complaints.length > 0) throw new Error(real.complaints.join("; "));
  };
  const plans = fc.commands(commands, { maxCommands: OPS, size: "max" });
  const result = await fc.check(fc.asyncProperty(plans, conversation), {
    numRuns: count,
    seed,
    endOnFailure: false,
  });
  if (result.failed) {
    failures.add(
      `${result.counterexample}: ${String(result.errorInstance)}, seed ${seed}, path ${result.counterexamplePath}`,
    );
  }
  // Else nothing was shared, and nothing has been tried.
  failures.expect(
    figures["samples read"] < figures["samples sent"],
    () => `${figures["samples read"]} samples were read to send ${figures["samples sent"]}`,
  );
  return { count: result.numRuns, failures: failures.sentences, figures };
}

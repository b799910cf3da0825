/** Random conversations of several clients with one session, whose sockets stall when chance says so: what they share, and that nobody is sent anything else for it. */
import fc from "fast-check";
import { systemClock } from "../../server/gateway/clock.ts";
import { Feeds } from "../../server/gateway/feeds.ts";
import { LIMITS, type Limits } from "../../server/gateway/limits.ts";
import type { Position } from "../../shared/protocol.ts";
import { FakeSocket, quiet } from "../support/fake-socket.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { Transcript, type Wanted } from "./transcript.ts";

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
const NAMES = ["train/loss", "hessian/eigenvalues", "run/status", "train/weights"] as const;
/** A stalled client is full after a few samples. */
const LIMITS_HERE: Limits = { ...LIMITS, batchMs: 0, highWaterBytes: 600, batchBytes: 1500, batchEvents: 8 };
/** `subscribed` describes all channels, in a turn of its own. */
const LARGEST_ANSWER_BYTES = 4000;
const LARGEST_THETA_BYTES = 200;
/** Turns of the event loop, by tens, in which everybody must have been told of the end. */
const PATIENCE = 300;

type Op = "pause" | "play" | "unsubscribe" | "asap" | "paced" | { readonly seek: Position };

interface Client {
  readonly socket: FakeSocket;
  readonly transcript: Transcript;
  nextId: number;
}

class Company {
  readonly session: MemorySession;
  readonly clients: Client[] = [];
  readonly complaints: string[] = [];
  sent = 0;
  ops = 0;
  readonly #feeds = new Feeds({ clock: systemClock, limits: LIMITS_HERE });
  #step = 0;

  constructor() {
    const channels = NAMES.map((name) =>
      name === "train/weights" ? descriptor(name, { encoding: "f32", heavy: true }) : descriptor(name),
    );
    this.session = new MemorySession(sessionHeader({ channels }));
    for (let client = 0; client < CLIENTS; client++) this.clients.push(this.#connect());
  }

  append(channels: readonly number[]): void {
    const wallTimeMs = 1_700_000_000_000 + this.session.events.length;
    const samples = channels.map((channel) => {
      const name = NAMES[channel] ?? "train/loss";
      const step = channel === 0 ? ++this.#step : this.#step;
      const value = name === "train/weights" ? new Float32Array([step, Number.NaN, -0]) : step / 3;
      return { channel: name, step, value, wallTimeMs };
    });
    if (samples.length > 0) this.session.append(...samples);
  }

  subscribe(client: Client, wanted: Wanted): void {
    if (client.nextId >= MAX_SUBSCRIPTIONS) return;
    const id = client.nextId++;
    client.transcript.expectSubscription(id, wanted);
    const { channels, ...rest } = wanted;
    client.socket.ask({
      op: "subscribe",
      id,
      session: this.session.header.id,
      channels: [...channels],
      ...rest,
    });
  }

  ask({ socket, transcript }: Client, which: number, op: Op): void {
    const { live } = transcript;
    const chosen = live[which % Math.max(1, live.length)];
    if (chosen === undefined) return;
    const { id, mode } = chosen;
    if (op === "unsubscribe") transcript.expectUnsubscribed(id);
    if (op === "pause" || op === "play" || op === "unsubscribe") socket.ask({ op, id });
    else if (op === "paced") socket.ask({ op: "speed", id, speed: 1000 });
    else if (op === "asap") socket.ask({ op: "speed", id, speed: "asap" });
    else if (mode === "lossless") {
      transcript.expectSeek(id, op.seek);
      socket.ask({ op: "seek", id, to: op.seek });
    }
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
    for (const { socket, transcript } of this.clients) {
      for (const { id } of transcript.live) {
        socket.ask({ op: "speed", id, speed: "asap" });
        socket.ask({ op: "play", id });
      }
    }
    await quiet();
    this.session.end("finished");
    const isOver = () => this.clients.every(({ transcript }) => transcript.haveAllEnded);
    for (let turn = 0; turn < PATIENCE && !isOver(); turn++) await quiet();
    if (!isOver()) this.complaints.push("somebody was never told of the end");
    for (const client of this.clients) {
      client.transcript.finish();
      this.#look(client);
      client.socket.hangUp();
    }
    await quiet();
    const { openCursors, hurrying } = this.session;
    if (openCursors + hurrying > 0)
      this.complaints.push(`${openCursors} cursors and ${hurrying} hurries are left`);
  }

  #connect(): Client {
    const socket = FakeSocket.connect(this.session, { feeds: this.#feeds, limits: LIMITS_HERE });
    const client = { socket, transcript: new Transcript(this.session), nextId: 0 };
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
  mode: fc.constantFrom("lossless" as const, "lossless" as const, "lossless" as const, "latest" as const),
  from: fc.constantFrom("start" as const, "now" as const),
  every: fc.constantFrom(1, 1, 1, 3),
});
const operation = fc.constantFrom(
  "pause" as const,
  "play" as const,
  "unsubscribe" as const,
  "asap" as const,
  "paced" as const,
);
const act = <T>(argument: fc.Arbitrary<T>, name: (argument: T) => string, make: (argument: T) => Act) =>
  fc.tuple(who, argument).map(([index, value]) => new Command(name(value), index, make(value)));

const append = act(
  fc.array(fc.nat(3), { maxLength: 20 }),
  (channels) => `append(${channels})`,
  (channels) => (all) => all.append(channels),
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
    ([one, op]) => `${op}(${one})`,
    ([one, op]) =>
      (all, client) =>
        all.ask(client, one, op),
  ),
  act(
    fc.tuple(which, position),
    ([one, seek]) => `seek(${one}, ${JSON.stringify(seek)})`,
    ([one, seek]) =>
      (all, client) =>
        all.ask(client, one, { seek }),
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
    figures.events += real.session.events.length;
    figures["samples read"] += real.session.readSamples;
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

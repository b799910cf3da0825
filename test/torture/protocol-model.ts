/** Random conversations with the gateway (fast-check's commands), each frame held against a log in memory. */
import fc from "fast-check";
import type { ClientMessageInput, Position } from "../../shared/protocol.ts";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { TestClient } from "../support/test-client.ts";
import { type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";
import { type Check, Failures, type Outcome } from "./check.ts";
import { Transcript, type Wanted } from "./transcript.ts";

export const protocolModel: Check = {
  name: "gateway/protocol",
  unit: "conversations",
  fast: 500,
  full: 20_000,
  must: "rules 1 to 5 of protocol.md, at every frame",
  run,
};

const OPS = 50;
const MAX_SUBSCRIPTIONS = 16;
/** A server serves so many conversations; its sessions stay in memory. */
const A_SERVER = 100;
const NAMES = ["train/loss", "hessian/eigenvalues", "run/status", "train/weights"] as const;

/** Paced: by recorded time. */
type Op = "pause" | "play" | "unsubscribe" | "asap" | "paced" | { readonly seek: Position };

/** The conversation: what is really there. The transcript is the model; commands need no other. */
class Conversation {
  readonly session: MemorySession;
  readonly gateway: TestGateway;
  readonly complaints: string[] = [];
  client: TestClient;
  transcript: Transcript;
  ops = 0;
  #step = 0;
  #nextId = 0;

  private constructor(gateway: TestGateway, session: MemorySession, client: TestClient) {
    this.gateway = gateway;
    this.session = session;
    this.client = client;
    this.transcript = this.#listen(client);
  }

  static async begin(gateway: TestGateway, id: string): Promise<Conversation> {
    const channels = NAMES.map((name) =>
      name === "train/weights" ? descriptor(name, { encoding: "f32", heavy: true }) : descriptor(name),
    );
    const session = new MemorySession(sessionHeader({ id, channels }));
    gateway.library.add(session);
    return new Conversation(gateway, session, await TestClient.open(gateway.url, { token: TOKEN }));
  }

  append(channels: readonly number[]): void {
    // A batch is written at once; paced, the next is due some milliseconds later.
    const wallTimeMs = 1_700_000_000_000 + 2 * this.session.events.length;
    const samples = channels.map((channel) => {
      const step = channel === 0 ? ++this.#step : this.#step;
      const name = NAMES[channel] ?? "train/loss";
      const value =
        name === "train/weights"
          ? new Float32Array([step, Number.NaN, -0])
          : step === 5
            ? Number.NaN
            : step / 3;
      return { channel: name, step, value, wallTimeMs };
    });
    if (samples.length > 0) this.session.append(...samples);
  }

  subscribe(wanted: Wanted): void {
    if (this.#nextId >= MAX_SUBSCRIPTIONS) return;
    const id = this.#nextId++;
    this.transcript.expectSubscription(id, wanted);
    const { every, ...rest } = wanted;
    this.#send({
      op: "subscribe",
      id,
      session: this.session.header.id,
      ...rest,
      channels: [...rest.channels],
      every,
    });
  }

  /** One of the subscriptions, by any number; what follows is asked of it. */
  async ask(which: number, op: Op): Promise<void> {
    const { live } = this.transcript;
    const chosen = live[which % Math.max(1, live.length)];
    if (chosen === undefined) return;
    const { id, mode } = chosen;
    if (op === "unsubscribe") this.transcript.expectUnsubscribed(id);
    if (op === "pause" || op === "play" || op === "unsubscribe") this.#send({ op, id });
    else if (op === "paced") this.#send({ op: "speed", id, speed: 1 });
    else if (op === "asap") this.#send({ op: "speed", id, speed: "asap" });
    // What a latest subscription omits is counted from its start, which a seek would move.
    else if (mode === "lossless") {
      this.transcript.expectSeek(id, op.seek);
      this.#send({ op: "seek", id, to: op.seek });
    }
  }

  /** The line breaks; on a new one, every lossless subscription goes on behind what it has. */
  async reconnect(): Promise<void> {
    await this.client.close();
    const before = this.transcript.live;
    this.complaints.push(...this.transcript.complaints);
    this.client = await TestClient.open(this.gateway.url, { token: TOKEN });
    this.transcript = this.#listen(this.client);
    this.#nextId = 0;
    for (const { channels, mode, every, position } of before) {
      if (mode === "lossless") this.subscribe({ channels, mode, every, from: { seq: position } });
    }
  }

  /** Everybody plays on to the end, and has everything. */
  async finish(): Promise<void> {
    await this.client.settle();
    for (const { id, isPaused } of this.transcript.live) {
      this.#send({ op: "speed", id, speed: "asap" });
      if (isPaused) this.#send({ op: "play", id });
    }
    await this.client.settle();
    this.session.end("finished");
    await this.client.until(() => this.transcript.haveAllEnded);
    this.transcript.finish();
    this.complaints.push(...this.transcript.complaints);
    await this.client.close();
  }

  #send(message: ClientMessageInput): void {
    this.client.send(message);
  }

  #listen(client: TestClient): Transcript {
    const transcript = new Transcript(this.session);
    client.onReceived = (message) => {
      transcript.take(message);
      // Kept: what the client itself waits for.
      return message.op === "pong";
    };
    return transcript;
  }
}

type Act = (conversation: Conversation) => void | Promise<void>;

/** The model is the transcript; what fast-check sees of it is nothing. */
class Command implements fc.AsyncCommand<object, Conversation> {
  readonly #name: string;
  readonly #act: Act;

  constructor(name: string, act: Act) {
    this.#name = name;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_model: object, conversation: Conversation): Promise<void> {
    conversation.ops++;
    await this.#act(conversation);
    const [complaint] = conversation.transcript.complaints;
    if (complaint !== undefined) throw new Error(complaint);
  }

  toString(): string {
    return this.#name;
  }
}

const position = fc.oneof(fc.record({ seq: fc.nat(60) }), fc.record({ step: fc.nat(40) }));
const wanted = fc.record({
  channels: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
  mode: fc.constantFrom("lossless" as const, "lossless" as const, "latest" as const),
  from: fc.constantFrom("start" as const, "now" as const),
  every: fc.constantFrom(1, 1, 3),
});
const subscription = fc.nat(20);

const commands = [
  fc
    .array(fc.nat(3), { maxLength: 30 })
    .map((channels) => new Command(`append(${channels})`, (with_) => with_.append(channels))),
  wanted.map(
    (asked) => new Command(`subscribe(${JSON.stringify(asked)})`, (with_) => with_.subscribe(asked)),
  ),
  fc
    .tuple(
      subscription,
      fc.constantFrom(
        "pause" as const,
        "play" as const,
        "unsubscribe" as const,
        "asap" as const,
        "paced" as const,
      ),
    )
    .map(([which, op]) => new Command(`${op}(${which})`, (with_) => with_.ask(which, op))),
  fc
    .tuple(subscription, position)
    .map(
      ([which, seek]) =>
        new Command(`seek(${which}, ${JSON.stringify(seek)})`, (with_) => with_.ask(which, { seek })),
    ),
  fc.constant(new Command("settle()", (with_) => with_.client.settle())),
  fc.constant(new Command("reconnect()", (with_) => with_.reconnect())),
];

async function run(count: number, seed: number): Promise<Outcome> {
  const failures = new Failures();
  let gateway = await testGateway([]);
  let conversations = 0;
  let ops = 0;
  let events = 0;
  const conversation = async (plan: Iterable<fc.AsyncCommand<object, Conversation>>): Promise<void> => {
    if (conversations > 0 && conversations % A_SERVER === 0) {
      await gateway.close();
      gateway = await testGateway([]);
    }
    const real = await Conversation.begin(gateway, (conversations++).toString(16).padStart(32, "0"));
    try {
      await fc.asyncModelRun(() => ({ model: {}, real }), plan);
      await real.finish();
    } finally {
      ops += real.ops;
      events += real.session.events.length;
      await real.client.close();
    }
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
  await gateway.close();
  return { count: result.numRuns, failures: failures.sentences, figures: { operations: ops, events } };
}

/** One client's conversation with a gateway about one log, in steps that protocol-model.ts draws. */
import type { ClientMessageInput, Position } from "../../shared/protocol.ts";
import { TestClient } from "../support/test-client.ts";
import { type TestGateway, TOKEN } from "../support/test-gateway.ts";
import type { ModelLog } from "./model-log.ts";
import { type Request, Transcript } from "./transcript.ts";
import type { Wanted } from "./watch-model.ts";

/** Where to go: as the protocol has it, or so many events beyond the newest. */
export type Place = Position | { readonly fromHead: number };

const MAX_SUBSCRIPTIONS = 16;
/** What has not come by then never will. */
const DEADLINE_MS = 10_000;

export class Conversation {
  readonly log: ModelLog;
  readonly #gateway: TestGateway;
  readonly #complaints: string[] = [];
  /** Something was waited for in vain. */
  hasWaited = false;
  #client: TestClient;
  #transcript: Transcript;
  #nextId = 0;

  private constructor(gateway: TestGateway, log: ModelLog, client: TestClient) {
    this.#gateway = gateway;
    this.log = log;
    this.#client = client;
    this.#transcript = this.#listen(client);
  }

  static async begin(gateway: TestGateway, log: ModelLog): Promise<Conversation> {
    gateway.library.add(log.session);
    return new Conversation(gateway, log, await TestClient.open(gateway.url, { token: TOKEN }));
  }

  get complaints(): readonly string[] {
    return [...this.#complaints, ...this.#transcript.complaints];
  }

  subscribe({
    from: place,
    ...choice
  }: Omit<Wanted, "from"> & { readonly from: "now" | "start" | Place }): void {
    if (this.#nextId >= MAX_SUBSCRIPTIONS) return;
    const id = this.#nextId++;
    const wanted = { ...choice, from: typeof place === "string" ? place : this.#positionOf(place) };
    const { channels, ...rest } = wanted;
    const request = this.#transcript.ask(id, { op: "subscribe", wanted });
    const session = this.log.session.header.id;
    this.#send({ op: "subscribe", id, session, request, channels: [...channels], ...rest });
  }

  /** Asks it of one of the subscriptions, by any number. */
  ask(which: number, what: Exclude<Request, { readonly op: "subscribe" | "loop" }>): void {
    const id = this.#pick(which);
    if (id !== undefined) this.#send({ ...what, id, request: this.#transcript.ask(id, what) });
  }

  seek(which: number, place: Place): void {
    this.ask(which, { op: "seek", to: this.#positionOf(place) });
  }

  /** Some rounds, as they come; then it goes on. */
  async loop(which: number, begin: "start" | Place, end: Place): Promise<void> {
    const id = this.#pick(which);
    const from = begin === "start" ? begin : this.#positionOf(begin);
    const to = this.#positionOf(end);
    const toSeq = this.#lastSeqOf(to);
    if (id === undefined || toSeq === null) return;
    const begun = this.#transcript.ask(id, { op: "loop", loop: { from, toSeq } });
    this.#send({ op: "loop", id, ...(from === "start" ? {} : { from }), to, request: begun });
    await this.settle();
    const watch = this.#transcript.watch(id);
    const before = watch?.rounds;
    await this.#until(
      () => watch?.isGoingRound !== true || watch.rounds !== before,
      "a loop never turned back",
    );
    const ended = this.#transcript.ask(id, { op: "loop", loop: null });
    this.#send({ op: "loop", id, to: null, request: ended });
    await this.settle();
  }

  async settle(): Promise<void> {
    this.#send({ op: "ping", t: 0, request: this.#transcript.ask(-1, null) });
    await this.#until(() => this.#transcript.isAnswered, "an answer never came");
  }

  /** The line breaks; on a new one, every lossless subscription goes on behind what it has. */
  async reconnect(): Promise<void> {
    await this.#client.close();
    const before = this.#transcript.live;
    this.#complaints.push(...this.#transcript.complaints);
    this.#client = await TestClient.open(this.#gateway.url, { token: TOKEN });
    this.#transcript = this.#listen(this.#client);
    this.#nextId = 0;
    for (const [, { wanted, position, state }] of before) {
      if (state === "open" && wanted.mode === "lossless")
        this.subscribe({ ...wanted, from: { seq: position } });
    }
  }

  /** Everybody plays on to the end, and has everything; another server process would find the same. */
  async finish(): Promise<void> {
    this.log.release();
    await this.settle();
    this.#transcript.live.forEach(([, { isPaused }], which) => {
      this.ask(which, { op: "speed", speed: "asap" });
      if (isPaused) this.ask(which, { op: "play" });
    });
    await this.settle();
    await this.log.end();
    await this.#until(() => this.#transcript.haveAllEnded, "an end never came");
    await this.settle();
    this.#transcript.finish();
  }

  /** @returns whatever was wrong, in sentences. */
  async close(): Promise<readonly string[]> {
    await this.#client.close();
    return [...this.complaints, ...(await this.log.close())];
  }

  #pick(which: number): number | undefined {
    const { live } = this.#transcript;
    return live[which % Math.max(1, live.length)]?.[0];
  }

  #positionOf(place: Place): Position {
    if (!("fromHead" in place)) return place;
    return { seq: Math.max(0, this.log.session.status.headSeq + place.fromHead) };
  }

  /** Of a step, only where the log has already gone beyond it: else it depends on when the server looks. */
  #lastSeqOf(to: Position): number | null {
    if ("seq" in to) return to.seq;
    const { headSeq, earliestSeq } = this.log.session.status;
    const after = this.log.events.findIndex(({ step, seq }) => seq >= earliestSeq && step > to.step);
    return after < 0 || after > headSeq ? null : after - 1;
  }

  async #until(isDone: () => boolean, otherwise: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#complaints.push(otherwise);
        this.hasWaited = true;
        resolve();
      }, DEADLINE_MS);
    });
    await Promise.race([this.#client.until(() => isDone() || this.complaints.length > 0), late]);
    clearTimeout(timer);
  }

  #send(message: ClientMessageInput): void {
    this.#client.send(message);
  }

  #listen(client: TestClient): Transcript {
    const transcript = new Transcript(this.log);
    client.onReceived = (message) => {
      transcript.take(message);
      return false;
    };
    return transcript;
  }
}

/** Everything one client is sent, held against a log in memory, frame by frame: docs/protocol.md's rules, as plainly as they can be coded. */
import type { Position } from "../../shared/protocol.ts";
import type { MemorySession } from "../support/memory-session.ts";
import type { Received } from "../support/test-client.ts";
import { isSameValue } from "./same-value.ts";

export interface Wanted {
  readonly channels: readonly string[];
  readonly mode: "lossless" | "latest";
  readonly from: "start" | "now" | Position;
  readonly every: number;
}

interface Watch extends Wanted {
  /** The next seq that may come; -1 before `subscribed`. */
  position: number;
  start: number;
  fromStep: number;
  generation: number;
  isPaused: boolean;
  /** Unsubscribed, perhaps not yet answered: nothing more is asked of it. */
  isLeaving: boolean;
  isOver: boolean;
  hasEnded: boolean;
  sent: number;
  omitted: number;
  /** Seeks asked for and not yet answered. */
  readonly seeks: Position[];
}

export class Transcript {
  readonly complaints: string[] = [];
  readonly #session: MemorySession;
  readonly #watches = new Map<number, Watch>();

  constructor(session: MemorySession) {
    this.#session = session;
  }

  expectSubscription(id: number, wanted: Wanted): void {
    this.#watches.set(id, {
      ...wanted,
      position: -1,
      start: -1,
      fromStep: 0,
      generation: 0,
      isPaused: false,
      isLeaving: false,
      isOver: false,
      hasEnded: false,
      sent: 0,
      omitted: 0,
      seeks: [],
    });
  }

  expectSeek(id: number, to: Position): void {
    this.#watches.get(id)?.seeks.push(to);
  }

  expectUnsubscribed(id: number): void {
    const watch = this.#watches.get(id);
    if (watch !== undefined) watch.isLeaving = true;
  }

  get live(): readonly (Wanted & {
    readonly id: number;
    readonly position: number;
    readonly isPaused: boolean;
  })[] {
    return [...this.#watches].flatMap(([id, watch]) =>
      watch.isLeaving || watch.position < 0 ? [] : [{ id, ...watch }],
    );
  }

  get haveAllEnded(): boolean {
    return [...this.#watches.values()].every(({ isLeaving, isOver, hasEnded }) =>
      isLeaving ? isOver : hasEnded,
    );
  }

  /** When everything has been sent: nothing of what was chosen is missing, or unaccounted for. */
  finish(): void {
    for (const [id, watch] of this.#watches) {
      if (watch.isLeaving) continue;
      const head = this.#session.status.headSeq;
      if (watch.mode === "lossless") {
        const missing = this.#nextChosen(watch, watch.position);
        if (missing <= head) this.#complain(id, `seq ${missing} never came`);
      } else {
        const chosen = this.#countChosen(watch, watch.start, head);
        if (watch.sent + watch.omitted !== chosen)
          this.#complain(id, `${watch.sent} sent and ${watch.omitted} omitted of ${chosen}`);
      }
    }
  }

  take(message: Received): void {
    const id =
      "id" in message && message.id !== undefined
        ? message.id
        : message.op === "binary"
          ? message.frame.subscription
          : -1;
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    if (watch.isOver) {
      this.#complain(id, `${message.op} after it was unsubscribed`);
      return;
    }
    switch (message.op) {
      case "subscribed":
        this.#begin(id, watch, message.firstSeq);
        return;
      case "samples":
        for (const { seq, channel, step, wallTimeMs, value } of message.samples) {
          this.#sample(id, watch, seq, channel, step, wallTimeMs, value);
        }
        return;
      case "binary": {
        const { seq, step, wallTimeMs, payload } = message.frame;
        const channel = this.#session.header.channels[this.#session.events[seq]?.channel ?? -1]?.name ?? "?";
        this.#sample(id, watch, seq, channel, step, wallTimeMs, payload);
        return;
      }
      case "gap":
        if (watch.mode === "lossless") this.#complain(id, "a gap, without having been asked to allow one");
        watch.omitted += message.count;
        return;
      case "state":
        this.#state(id, watch, message.state, message.seq ?? -1, message.generation ?? 0);
        return;
      case "end":
        if (
          watch.mode === "lossless" &&
          this.#nextChosen(watch, watch.position) <= this.#session.status.headSeq
        )
          this.#complain(id, `the end before seq ${this.#nextChosen(watch, watch.position)}`);
        watch.hasEnded = true;
        return;
      case "accepted":
        watch.isOver = true;
        return;
      case "error":
        // A seek beyond the head is refused and changes nothing.
        if (message.code === "diverged" && watch.seeks.length > 0) watch.seeks.shift();
        else this.#complain(id, `error ${message.code}: ${message.message}`);
        return;
      default:
    }
  }

  #begin(id: number, watch: Watch, firstSeq: number): void {
    const { from } = watch;
    watch.position = firstSeq;
    watch.start = firstSeq;
    if (from === "start" && firstSeq !== 0) this.#complain(id, `begins at ${firstSeq}, not at the start`);
    if (typeof from === "object" && "seq" in from && firstSeq !== from.seq)
      this.#complain(id, `begins at ${firstSeq}, not at ${from.seq}`);
    if (typeof from === "object" && "step" in from) this.#place(id, watch, from, firstSeq);
  }

  /** A position by step: nothing of that step or later lies before it. */
  #place(id: number, watch: Watch, to: Position, seq: number): void {
    watch.fromStep = "step" in to ? to.step : 0;
    if ("seq" in to && seq !== to.seq) this.#complain(id, `stands at ${seq}, not at ${to.seq}`);
    if ("step" in to && this.#session.events.slice(0, seq).some(({ step }) => step >= to.step))
      this.#complain(id, `stands at ${seq}, behind the first sample of step ${to.step}`);
  }

  #state(id: number, watch: Watch, state: string, seq: number, generation: number): void {
    if (generation > watch.generation) {
      const to = watch.seeks.shift();
      if (to === undefined) {
        this.#complain(id, "a new generation, without a seek");
        return;
      }
      watch.generation = generation;
      watch.position = seq;
      watch.hasEnded = false;
      this.#place(id, watch, to, seq);
    } else if (watch.mode === "lossless" && this.#nextChosen(watch, watch.position) < seq) {
      this.#complain(id, `${state} at ${seq}, with seq ${this.#nextChosen(watch, watch.position)} not sent`);
    }
    watch.isPaused = state === "paused";
  }

  #sample(
    id: number,
    watch: Watch,
    seq: number,
    channel: string,
    step: number,
    wallTimeMs: number,
    value: unknown,
  ): void {
    const event = this.#session.events[seq];
    if (watch.isPaused) this.#complain(id, `seq ${seq} while paused`);
    if (event === undefined || seq > this.#session.status.headSeq) {
      this.#complain(id, `seq ${seq} before it was written`);
      return;
    }
    const expected = watch.mode === "lossless" ? this.#nextChosen(watch, watch.position) : seq;
    if (seq !== expected || seq < watch.position || !this.#isChosen(watch, seq))
      this.#complain(id, `seq ${seq}, expected ${expected} from ${watch.position} on`);
    const name = this.#session.header.channels[event.channel]?.name;
    if (
      !isSameValue(event, value) ||
      channel !== name ||
      step !== event.step ||
      wallTimeMs !== event.wallTimeMs
    )
      this.#complain(id, `seq ${seq} is not as it was written`);
    watch.position = seq + 1;
    watch.sent++;
  }

  #isChosen({ channels, every, fromStep }: Watch, seq: number): boolean {
    const event = this.#session.events[seq];
    const name = this.#session.header.channels[event?.channel ?? -1]?.name ?? "";
    if (event === undefined || !channels.includes(name) || event.step < fromStep) return false;
    return event.step % every === 0 || name.startsWith("run/");
  }

  #nextChosen(watch: Watch, from: number): number {
    let seq = from;
    while (seq < this.#session.events.length && !this.#isChosen(watch, seq)) seq++;
    return seq;
  }

  #countChosen(watch: Watch, from: number, to: number): number {
    let count = 0;
    for (let seq = from; seq <= to; seq++) if (this.#isChosen(watch, seq)) count++;
    return count;
  }

  #complain(id: number, what: string): void {
    this.complaints.push(`subscription ${id}: ${what}`);
  }
}

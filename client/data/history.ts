/** Everything received of one session: columns per series, raw values, gaps, and what happened when. */
import type { RunStatus } from "../../shared/readings.ts";
import type { StreamDescriptor, StreamField } from "../../shared/stream.ts";
import { ChannelTable, type HistorySample } from "./channel-table.ts";
import type { Rows, Series } from "./series.ts";

export type { HistorySample } from "./channel-table.ts";
export type FieldScale = StreamField["scale"];

/** Samples that the server left out and said so; steps are those held on either side of it. */
export interface Gap {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly count: number;
  readonly reason: "conflated" | "retention" | "lost-on-crash" | "unrecorded";
  /** Newest step before the gap, and oldest after it, as far as known. */
  readonly fromStep: number;
  readonly toStep: number;
}

export interface StatusEvent {
  readonly seq: number;
  readonly step: number;
  readonly wallTimeMs: number;
  readonly status: RunStatus;
}

/** `run/status` is kept as events: each is words, none is a number. */
const STATUS_CHANNEL = "run/status";
const STATUS_LIMIT = 5_000;

export class History {
  readonly #tables = new Map<string, ChannelTable>();
  #gaps: Gap[] = [];
  #openGap = false;
  #events: StatusEvent[] = [];
  #headStep = -1;
  #headSeq = -1;
  #lastSeq = -1;
  #repeated = 0;
  #version = 0;
  #count = 0;

  /** Grows with every change: compare it to know whether to draw. */
  get version(): number {
    return this.#version;
  }

  /** Newest step of any sample; −1 while empty. */
  get headStep(): number {
    return this.#headStep;
  }

  get headSeq(): number {
    return this.#headSeq;
  }

  /** Samples taken in. */
  get sampleCount(): number {
    return this.#count;
  }

  /** Samples that came a second time, and were passed over. The protocol forbids them. */
  get repeatedCount(): number {
    return this.#repeated;
  }

  get byteLength(): number {
    let sum = 0;
    for (const table of this.#tables.values()) sum += table.byteLength;
    return sum;
  }

  get descriptors(): readonly StreamDescriptor[] {
    return [...this.#tables.values()].map((table) => table.descriptor);
  }

  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** `run/status`, oldest first; the newest 5,000. */
  get events(): readonly StatusEvent[] {
    return this.#events;
  }

  /** Announces channels; one that is known keeps its samples. */
  describe(descriptors: readonly StreamDescriptor[]): void {
    for (const descriptor of descriptors) {
      if (!this.#tables.has(descriptor.name)) this.#tables.set(descriptor.name, new ChannelTable(descriptor));
    }
    this.#version++;
  }

  descriptor(channel: string): StreamDescriptor | undefined {
    return this.#tables.get(channel)?.descriptor;
  }

  /** The field of an expanded path: "top.0.value" is described by "top.*.value". */
  field(channel: string, path: string): StreamField | undefined {
    return this.descriptor(channel)?.fields.find((field) => matches(field.path, path));
  }

  /** A series, empty until samples come; undefined for a channel that was not described. Stable: keep it. */
  series(channel: string, path = ""): Series | undefined {
    return this.#tables.get(channel)?.seriesOf(path);
  }

  /** Every series that a channel has shown so far, in the order of its fields' first appearance. */
  seriesOf(channel: string): readonly Series[] {
    return this.#tables.get(channel)?.series ?? [];
  }

  /** Series of an expanded pattern so far: "top.*.value" → λ₁, λ₂, … */
  seriesMatching(channel: string, pattern: string): readonly Series[] {
    return this.seriesOf(channel).filter((series) => matches(pattern, series.path));
  }

  /** Newest sample of the channel at or before the step, whole. */
  rawAtOrBefore<V>(channel: string, step: number): { readonly step: number; readonly value: V } | undefined {
    const found = this.#tables.get(channel)?.rawAtOrBefore(step);
    return found as { readonly step: number; readonly value: V } | undefined;
  }

  /** Whole samples of a channel, oldest first; of channels of bare numbers, none. */
  raw(channel: string): Iterable<Omit<HistorySample, "channel">> {
    return this.#tables.get(channel)?.raw() ?? [];
  }

  /** When each step happened: the rows of the channel with most samples. null while empty. */
  get timeline(): Rows | null {
    let longest: Rows | null = null;
    for (const { rows } of this.#tables.values()) if (rows.length > (longest?.length ?? 0)) longest = rows;
    return longest;
  }

  /** Takes in a batch, in the order received. */
  accept(samples: readonly HistorySample[]): void {
    const touched = new Set<ChannelTable>();
    for (const sample of samples) {
      if (sample.seq <= this.#lastSeq) {
        this.#repeated++;
        continue;
      }
      this.#lastSeq = sample.seq;
      this.#closeGap(sample.step);
      const table = this.#tables.get(sample.channel);
      if (!table) continue;
      if (sample.channel === STATUS_CHANNEL) this.#note(sample);
      table.push(sample);
      touched.add(table);
      this.#count++;
      this.#headSeq = Math.max(this.#headSeq, sample.seq);
      this.#headStep = Math.max(this.#headStep, sample.step);
    }
    for (const table of touched) table.settle();
    this.#version++;
  }

  /** Records an announced omission; the lines are broken there. */
  acceptGap(gap: Pick<Gap, "fromSeq" | "toSeq" | "count" | "reason">): void {
    const last = this.#gaps.at(-1);
    this.#lastSeq = Math.max(this.#lastSeq, gap.toSeq);
    this.#version++;
    if (last && this.#openGap && last.reason === gap.reason) {
      this.#gaps[this.#gaps.length - 1] = { ...last, toSeq: gap.toSeq, count: last.count + gap.count };
      return;
    }
    this.#gaps.push({ ...gap, fromStep: Math.max(0, this.#headStep), toStep: Math.max(0, this.#headStep) });
    this.#openGap = true;
  }

  #closeGap(step: number): void {
    if (!this.#openGap) return;
    this.#openGap = false;
    const last = this.#gaps.at(-1);
    if (last) this.#gaps[this.#gaps.length - 1] = { ...last, toStep: Math.max(last.fromStep, step) };
  }

  #note(sample: HistorySample): void {
    const { seq, step, wallTimeMs } = sample;
    const last = this.#events.at(-1);
    const inOrder = last === undefined || last.seq < seq;
    if (!inOrder && this.#events.some((event) => event.seq === seq)) return;
    this.#events.push({ seq, step, wallTimeMs, status: sample.value as unknown as RunStatus });
    if (!inOrder) this.#events.sort((a, b) => a.seq - b.seq);
    if (this.#events.length > STATUS_LIMIT) this.#events.shift();
  }
}

function matches(pattern: string, path: string): boolean {
  if (pattern === path) return true;
  const parts = pattern.split(".");
  const found = path.split(".");
  return parts.length === found.length && parts.every((part, i) => part === "*" || part === found[i]);
}

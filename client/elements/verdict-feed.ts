/** Hands a history's samples to the judges, each once, in the order of the log. */
import type { SessionHeader, SessionState } from "../../shared/header.ts";
import type { Sample } from "../../shared/stream.ts";
import { createVerdicts, VERDICT_CHANNELS, type Verdict, type Verdicts } from "../../shared/verdicts.ts";
import type { History } from "../data/history.ts";
import type { Rows, Series } from "../data/series.ts";

interface Reader {
  readonly channel: string;
  readonly rows: Rows;
  /** Values of a channel of bare numbers; null where samples are whole objects. */
  readonly numbers: Series | null;
  next: number;
}

export class VerdictFeed {
  readonly #history: History;
  readonly #verdicts: Verdicts;
  readonly #readers: readonly Reader[];
  #hasFailed = false;

  constructor(header: SessionHeader, history: History) {
    this.#history = history;
    this.#verdicts = createVerdicts(header);
    this.#readers = VERDICT_CHANNELS.flatMap((channel) => {
      const descriptor = history.descriptor(channel);
      const series = history.series(channel, descriptor?.fields[0]?.path.replaceAll("*", "0") ?? "");
      if (descriptor === undefined || series === undefined) return [];
      const isNumber = descriptor.fields[0]?.path === "";
      return [{ channel, rows: series.rows, numbers: isNumber ? series : null, next: 0 }];
    });
  }

  /** Call after each batch: whole samples are held for a while only. */
  drain(): void {
    for (;;) {
      let first: Reader | null = null;
      for (const reader of this.#readers) {
        if (reader.next >= reader.rows.length) continue;
        if (first === null || reader.rows.seqs.at(reader.next) < first.rows.seqs.at(first.next))
          first = reader;
      }
      if (first === null) return;
      const row = first.next++;
      const step = first.rows.steps.at(row);
      const value =
        first.numbers === null
          ? this.#history.rawAtOrBefore(first.channel, step)?.value
          : first.numbers.valueAt(first.numbers.indexOfRow(row));
      if (value !== undefined) this.#observe({ channel: first.channel, step, value });
    }
  }

  /** A sample of another make than the judges know is as good as none. */
  #observe(sample: Sample): void {
    try {
      this.#verdicts.observe(sample);
    } catch (error) {
      if (!this.#hasFailed) console.error(error);
      this.#hasFailed = true;
    }
  }

  verdicts(state: SessionState): readonly Verdict[] {
    return this.#verdicts.verdicts(state);
  }
}

/** Samples as text, from the JSON that the log already holds: nothing is parsed or written anew on the way to a client. */
import type { SessionEvent } from "../session/session.ts";

/** `{"seq":…,"channel":…,"step":…,"wallTimeMs":…,"value":…}`. Channel names need no escapes (shared/stream.ts). */
export function sampleText(event: SessionEvent, channel: string): string {
  return `{"seq":${event.seq},"channel":"${channel}","step":${event.step},"wallTimeMs":${event.wallTimeMs},"value":${event.json}}`;
}

/** `samples` frames, cut so that none exceeds `maxBytes` unless it holds a single sample. */
export class SampleBatch {
  readonly #send: (frame: string) => void;
  readonly #maxBytes: number;
  readonly #head: string;
  #samples: string[] = [];
  #bytes: number;

  constructor(id: number, maxBytes: number, send: (frame: string) => void) {
    this.#head = `{"op":"samples","id":${id},"samples":[`;
    this.#bytes = this.#head.length + 2;
    this.#maxBytes = maxBytes;
    this.#send = send;
  }

  add(text: string): void {
    const bytes = Buffer.byteLength(text) + 1;
    if (this.#bytes + bytes > this.#maxBytes) this.flush();
    this.#samples.push(text);
    this.#bytes += bytes;
  }

  flush(): void {
    if (this.#samples.length === 0) return;
    this.#send(`${this.#head}${this.#samples.join(",")}]}`);
    this.#samples = [];
    this.#bytes = this.#head.length + 2;
  }
}

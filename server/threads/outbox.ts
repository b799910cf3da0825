/** Samples on their way to the log, in batches; a thread that runs ahead of the log waits. */
import type { Sample } from "../../shared/stream.ts";
import { encodeValue } from "../../shared/value.ts";
import type { PackedSample, ThreadReply } from "./messages.ts";

/** A batch is sent once its oldest sample is this old, or at this many samples: each message costs both threads some 0.1 ms. */
const FLUSH_AFTER_MS = 10;
const BATCH_SAMPLES = 256;
/** Batches that may be on their way unacknowledged. */
const MAX_IN_FLIGHT = 16;
const WAIT_MS = 50;
const ACKNOWLEDGED = 0;
const ABANDONED = 1;

/** Credit: how many batches the log has taken, then a flag that says nobody listens any more. One for each thread. */
export function createAcks(): SharedArrayBuffer {
  return new SharedArrayBuffer(8);
}

export function acknowledge(acks: SharedArrayBuffer): void {
  const words = new Int32Array(acks);
  Atomics.add(words, ACKNOWLEDGED, 1);
  Atomics.notify(words, ACKNOWLEDGED);
}

/** Threads that wait for credit go on; what they send goes nowhere. */
export function abandonAcks(acks: SharedArrayBuffer): void {
  const words = new Int32Array(acks);
  Atomics.store(words, ABANDONED, 1);
  Atomics.notify(words, ACKNOWLEDGED);
}

export type Post = (reply: ThreadReply, transfer?: readonly ArrayBuffer[]) => void;

export class Outbox {
  readonly #post: Post;
  readonly #acks: Int32Array;
  #samples: PackedSample[] = [];
  #timer: NodeJS.Timeout | null = null;
  #sent = 0;

  constructor(acks: SharedArrayBuffer, post: Post) {
    this.#acks = new Int32Array(acks);
    this.#post = post;
  }

  /** Vectors must have been encoded before: what is left is bytes or JSON. */
  add({ channel, step, value }: Sample): void {
    this.addPacked(
      value instanceof Uint8Array
        ? { channel, step, bytes: value }
        : { channel, step, json: encodeValue(value) },
    );
  }

  addPacked(sample: PackedSample): void {
    this.#samples.push(sample);
    if (this.#samples.length >= BATCH_SAMPLES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#samples.length === 0) return;
    for (;;) {
      const acknowledged = Atomics.load(this.#acks, ACKNOWLEDGED);
      if (this.#sent - acknowledged < MAX_IN_FLIGHT || Atomics.load(this.#acks, ABANDONED) === 1) break;
      Atomics.wait(this.#acks, ACKNOWLEDGED, acknowledged, WAIT_MS);
    }
    const samples = this.#samples;
    this.#samples = [];
    this.#sent++;
    const transfer = samples.flatMap(({ weights, bytes }) => {
      const whole = weights ?? bytes;
      return whole?.buffer instanceof ArrayBuffer && whole.byteLength === whole.buffer.byteLength
        ? [whole.buffer]
        : [];
    });
    this.#post({ kind: "batch", samples }, transfer);
  }
}

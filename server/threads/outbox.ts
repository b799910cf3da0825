/** Samples on their way to the log, in batches; a thread that runs ahead of the log waits. */
import type { Sample } from "../../shared/stream.ts";
import { encodeValue } from "../../shared/value.ts";
import type { AckBuffer, PackedSample, ThreadReply } from "./messages.ts";

/** A batch is sent when its oldest sample is this old at the next flush, or at this many samples. */
const FLUSH_AFTER_MS = 5;
const BATCH_SAMPLES = 256;
/** Batches that may be on their way unacknowledged. */
const MAX_IN_FLIGHT = 16;
const WAIT_MS = 50;

/** Acknowledgements: one counter a thread, then a flag that says nobody listens any more. */
export function createAcks(): AckBuffer {
  return new SharedArrayBuffer(8);
}

export function acknowledge(acks: AckBuffer): void {
  const words = new Int32Array(acks);
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
}

/** Nobody reads any more: threads that wait go on, and their samples go nowhere. */
export function abandonAcks(acks: AckBuffer): void {
  const words = new Int32Array(acks);
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 0);
}

export function packJson(sample: Sample): PackedSample {
  return { channel: sample.channel, step: sample.step, json: encodeValue(sample.value) };
}

export class Outbox {
  readonly #post: (reply: ThreadReply, transfer: readonly ArrayBuffer[]) => void;
  readonly #acks: Int32Array;
  #samples: PackedSample[] = [];
  #oldestMs = 0;
  #sent = 0;

  constructor(acks: AckBuffer, post: (reply: ThreadReply, transfer: readonly ArrayBuffer[]) => void) {
    this.#acks = new Int32Array(acks);
    this.#post = post;
  }

  add(sample: PackedSample): void {
    if (this.#samples.length === 0) this.#oldestMs = performance.now();
    this.#samples.push(sample);
    if (this.#samples.length >= BATCH_SAMPLES) this.flush();
  }

  /** Call once a step: sends what has waited long enough. */
  flushIfOld(): void {
    if (this.#samples.length > 0 && performance.now() - this.#oldestMs >= FLUSH_AFTER_MS) this.flush();
  }

  flush(): void {
    if (this.#samples.length === 0) return;
    for (;;) {
      const acknowledged = Atomics.load(this.#acks, 0);
      if (Atomics.load(this.#acks, 1) === 1) break;
      if (this.#sent - acknowledged < MAX_IN_FLIGHT) break;
      Atomics.wait(this.#acks, 0, acknowledged, WAIT_MS);
    }
    const samples = this.#samples;
    this.#samples = [];
    this.#sent++;
    const transfer = samples.flatMap((sample) => {
      const buffer = (sample.weights ?? sample.bytes)?.buffer;
      return buffer instanceof ArrayBuffer ? [buffer] : [];
    });
    this.#post({ kind: "batch", samples }, transfer);
  }
}

/** Events as the frames that a client is sent. What is the same for all clients is written once: only the subscription's id is put in for each. */
import { encodeFrame } from "../../shared/frame.ts";
import type { SessionHeader } from "../../shared/header.ts";
import type { SessionEvent } from "../session/session.ts";
import { sampleText } from "./sample-text.ts";
import { binaryFrame, textFrame, type WireFrame } from "./wire-frame.ts";

/** The same frames, under any id. */
type FramesFor = (id: number) => WireFrame[];

type BinaryEvent = SessionEvent & { readonly data: Float32Array | Uint8Array };

const TAIL = "]}";
/** With the longest of ids, so that all ids have the same frames. */
const FRAME_BYTES = head(0xffff_ffff).length + TAIL.length;

export class FrameWriter {
  /** By index into `header.channels`. */
  readonly #names: readonly string[];
  readonly #numbers: ReadonlyMap<number, number>;
  readonly #maxBytes: number;

  /**
   * @param channels  indices into `header.channels`; a channel's place in this list is its number in binary frames.
   * @param maxBytes  of a `samples` frame, unless it holds a single sample.
   */
  constructor(header: SessionHeader, channels: readonly number[], maxBytes: number) {
    this.#names = header.channels.map(({ name }) => name);
    this.#numbers = new Map(channels.map((channel, number) => [channel, number]));
    this.#maxBytes = maxBytes;
  }

  /** In the order of the events: text gathered, up to the next binary one. */
  write(events: readonly SessionEvent[]): FramesFor {
    const pieces: (string | BinaryEvent)[] = [];
    let samples: string[] = [];
    let bytes = FRAME_BYTES;
    const flush = () => {
      if (samples.length > 0) pieces.push(samples.join(","));
      samples = [];
      bytes = FRAME_BYTES;
    };
    for (const event of events) {
      if (isBinary(event)) {
        flush();
        pieces.push(event);
        continue;
      }
      const text = sampleText(event, this.#names[event.channel] ?? "");
      const size = Buffer.byteLength(text) + 1;
      if (bytes + size > this.#maxBytes) flush();
      samples.push(text);
      bytes += size;
    }
    flush();
    return (id) =>
      pieces.map((piece) =>
        typeof piece === "string" ? textFrame(`${head(id)}${piece}${TAIL}`) : this.#binary(piece, id),
      );
  }

  #binary({ seq, wallTimeMs, step, channel, data }: BinaryEvent, id: number): WireFrame {
    const frame = encodeFrame({
      subscription: id,
      seq,
      wallTimeMs,
      step,
      channel: this.#numbers.get(channel) ?? 0,
      lossy: false,
      payload: data,
    });
    return binaryFrame(frame);
  }
}

function head(id: number): string {
  return `{"op":"samples","id":${id},"samples":[`;
}

function isBinary(event: SessionEvent): event is BinaryEvent {
  return event.data !== undefined;
}

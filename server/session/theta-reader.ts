/** Decodes one weights channel of a log, forwards cheaply and from anywhere by way of the nearest keyframe. */
import { setImmediate } from "node:timers/promises";
import type { StreamDescriptor } from "../../shared/stream.ts";
import { type Block, MessageWalk } from "../recording/block.ts";
import { WeightDecoder } from "../recording/weight-codec.ts";
import type { EventSource } from "./event-source.ts";

export class ThetaReader {
  readonly #source: EventSource;
  readonly #channel: number;
  readonly #decoder: WeightDecoder;
  /** seq of the message that the decoder saw last; -1 before the first. */
  #decodedSeq = -1;

  constructor(source: EventSource, channel: number) {
    this.#source = source;
    this.#channel = channel;
    this.#decoder = new WeightDecoder(source.header.parameterCount);
  }

  /**
   * θ of the weights message of this seq; undefined when what it needs is no longer held.
   *
   * @param encoded  that message's codec bytes, where the caller has them.
   */
  async read(seq: number, encoded?: Uint8Array): Promise<Float32Array | undefined> {
    const chain = this.#source.weights.get(this.#channel)?.chainTo(seq);
    if (chain === undefined) return undefined;
    const keyframe = chain[0] as number;
    const isContinued = this.#decodedSeq >= keyframe && this.#decodedSeq < seq;
    const missing = isContinued ? chain.filter((link) => link > this.#decodedSeq) : chain;
    this.#decodedSeq = -1;
    let block: Block | undefined;
    for (const link of missing.slice(0, -1)) {
      if (block === undefined || link > block.lastSeq) block = await this.#source.block(link);
      const bytes = this.#message(link, block);
      if (bytes === undefined) return undefined;
      this.#decoder.advance(bytes);
      // A decode takes milliseconds; up to 15 of them must not hold up the sockets.
      await setImmediate();
    }
    const last = encoded ?? this.#message(seq, await this.#source.block(seq));
    if (last === undefined) return undefined;
    const theta = this.#decoder.decode(last);
    this.#decodedSeq = seq;
    return theta;
  }

  #message(seq: number, block: Block | undefined): Uint8Array | undefined {
    if (block === undefined) return this.#source.carried(seq);
    const walk = new MessageWalk(block);
    if (!walk.skipTo(seq)) return undefined;
    const { start, end } = walk.open(this.#source.header.channels[this.#channel] as StreamDescriptor);
    return block.bytes.subarray(start, end);
  }
}

/** The newest blocks of a log, in memory: readers at the head need no disk. */
import type { Block } from "../recording/block.ts";
import { firstIndex } from "../recording/span-index.ts";

export const TAIL_BYTES = 4 * 2 ** 20;
/** Each has a price beside its bytes, and a slow session makes tiny ones. */
const MOST_BLOCKS = 2048;

export class Tail {
  readonly #blocks: Block[] = [];
  #byteLength = 0;

  add(block: Block): void {
    this.#blocks.push(block);
    this.#byteLength += block.bytes.byteLength;
    while (this.#byteLength > TAIL_BYTES || this.#blocks.length > MOST_BLOCKS)
      this.#byteLength -= this.#blocks.shift()?.bytes.byteLength ?? 0;
  }

  /** Infinity while empty. */
  get firstSeq(): number {
    return this.#blocks[0]?.firstSeq ?? Number.POSITIVE_INFINITY;
  }

  find(seq: number): Block | undefined {
    const blocks = this.#blocks;
    const block = blocks[firstIndex(blocks.length, (i) => (blocks[i] as Block).lastSeq >= seq)];
    return block !== undefined && block.firstSeq <= seq ? block : undefined;
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#byteLength = 0;
  }
}

/** Numbers that only ever become more: in blocks, so that growing copies nothing and leaves nothing behind. */
const BLOCK_LENGTH = 4096;

export class Column {
  readonly #blocks: (Float64Array | Uint32Array)[] = [];
  readonly #Block: typeof Float64Array | typeof Uint32Array;
  #length = 0;

  constructor(Block: typeof Float64Array | typeof Uint32Array) {
    this.#Block = Block;
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    const at = this.#length++;
    if (at % BLOCK_LENGTH === 0) this.#blocks.push(new this.#Block(BLOCK_LENGTH));
    const block = this.#blocks.at(-1);
    if (block !== undefined) block[at % BLOCK_LENGTH] = value;
  }

  /** In place of what is there. */
  set(i: number, value: number): void {
    const block = this.#blocks[Math.floor(i / BLOCK_LENGTH)];
    if (block !== undefined && i < this.#length) block[i % BLOCK_LENGTH] = value;
  }

  /** NaN where there is none. */
  at(i: number): number {
    return i < this.#length
      ? (this.#blocks[Math.floor(i / BLOCK_LENGTH)]?.[i % BLOCK_LENGTH] ?? Number.NaN)
      : Number.NaN;
  }

  /** What lies in [from, to). */
  slice(from: number, to: number): number[] {
    return Array.from({ length: Math.max(0, Math.min(to, this.#length) - from) }, (_, i) =>
      this.at(from + i),
    );
  }

  /** The same without [from, to). */
  without(from: number, to: number): Column {
    const kept = new Column(this.#Block);
    for (let i = 0; i < this.#length; i++) if (i < from || i >= to) kept.push(this.at(i));
    return kept;
  }
}

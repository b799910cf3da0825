/** Examples as their source has them: not yet chosen, scaled or centred. */

export interface Split {
  readonly size: number;
  /** Class of each example, [size]; null where what is to be learned are numbers. */
  readonly labels: Uint8Array | Uint16Array | null;
  /** Those numbers, [size × outputs]; null where there are labels. */
  readonly targets: Float32Array | null;
  /** Writes one example, scaled to its usual range, into `out` from `offset` on. */
  write(example: number, out: Float32Array, offset: number): void;
}

export interface Dataset {
  /** As settings name it. */
  readonly name: string;
  /** Classes, or numbers to be learned of each example. */
  readonly outputs: number;
  readonly exampleShape: readonly number[];
  /** What {@link Split.write} has done to the source: "pixels / 255". */
  readonly scaling: string;
  readonly train: Split;
  readonly test: Split | null;
}

/** Labelled examples as their source has them: not yet chosen, scaled or centred. */

export interface Split {
  readonly size: number;
  /** Class of each example, [size]. */
  readonly labels: Uint8Array;
  /** Writes one example, scaled to its usual range, into `out` from `offset` on. */
  write(example: number, out: Float32Array, offset: number): void;
}

export interface Dataset {
  /** As settings name it. */
  readonly name: string;
  readonly classes: number;
  readonly exampleShape: readonly number[];
  /** What {@link Split.write} has done to the source: "pixels / 255". */
  readonly scaling: string;
  readonly train: Split;
  readonly test: Split | null;
}

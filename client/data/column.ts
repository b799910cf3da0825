/** A typed array that grows by doubling. */

type NumberArray = Float64Array | Float32Array | Uint32Array;

export class Column<A extends NumberArray> {
  #make: (length: number) => A;
  #array: A;
  #length = 0;

  constructor(make: (length: number) => A, capacity = 256) {
    this.#make = make;
    this.#array = make(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get byteLength(): number {
    return this.#array.byteLength;
  }

  push(value: number): void {
    if (this.#length === this.#array.length) {
      const grown = this.#make(this.#array.length * 2);
      grown.set(this.#array);
      this.#array = grown;
    }
    this.#array[this.#length++] = value;
  }

  at(index: number): number {
    const value = this.#array[index];
    if (value === undefined || index >= this.#length) {
      throw new RangeError(`index: expected 0 ≤ index < ${this.#length}, got ${index}`);
    }
    return value;
  }

  set(index: number, value: number): void {
    this.#array[index] = value;
  }

  clear(): void {
    this.#length = 0;
  }

  /** First index whose value is ≥ `value`; the column must be ascending. */
  lowerBound(value: number): number {
    const array = this.#array;
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((array[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The storage, longer than the column: for inner loops that know their bounds. Valid until the next push. */
  get storage(): A {
    return this.#array;
  }

  /** The values so far, as a view: valid until the next push. */
  view(): A {
    return this.#array.subarray(0, this.#length) as A;
  }
}

export const float64Column = (): Column<Float64Array> => new Column((length) => new Float64Array(length));
export const uint32Column = (): Column<Uint32Array> => new Column((length) => new Uint32Array(length));

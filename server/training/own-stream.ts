/** Examples that a user's module hands over one by one, or in batches: generators, iterables, tf.data data sets. */
import { sharedFloats } from "./data/examples.ts";
import { MOST_VALUES } from "./data/own-targets.ts";
import { DataProblem, isRecord, kind, readNumbers } from "./own-data.ts";
import type { Examples } from "./run.ts";

/** As tf.data has it: no async iterable, but pulled in the same way. */
interface Pulled {
  iterator(): Promise<{ next(): Promise<{ value: unknown; done: boolean }> }>;
}

export type Streamed = Iterable<unknown> | AsyncIterable<unknown>;

/** What can be gone through, or null for anything else. */
export function streamedFrom(value: unknown): Streamed | null {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return null;
  if (Symbol.asyncIterator in value || Symbol.iterator in value) return value as Streamed;
  const { iterator, forEachAsync } = value as { iterator?: unknown; forEachAsync?: unknown };
  return typeof iterator === "function" && typeof forEachAsync === "function" ? pull(value as Pulled) : null;
}

/** Whoever takes an element of a tf.data set has to free it. */
async function* pull(dataset: Pulled): AsyncGenerator<unknown> {
  const iterator = await dataset.iterator();
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return;
    yield value;
    for (const part of isRecord(value) ? Object.values(value) : [value].flat()) {
      (part as { dispose?(): void } | null)?.dispose?.();
    }
  }
}

/**
 * Each element is `{ inputs, targets }`, `{ inputs, labels }`, `{ xs, ys }` or `[x, y]`, of one example or of several. In ys and y, one number
 * an example is a label where the model has several outputs, and a target where it has one.
 * @throws {DataProblem} naming the element; for an endless stream as soon as it has brought more than memory is meant for.
 */
export async function gatherStream(
  stream: Streamed,
  where: string,
  inputShape: readonly number[],
  outputs: number,
  mostValues = MOST_VALUES,
): Promise<Examples> {
  const stride = inputShape.reduce((product, size) => product * size, 1);
  const inputs = new Growing(where, mostValues);
  const targets = new Growing(where, mostValues);
  let index = 0;
  for await (const element of stream) {
    const at = `${where}, element ${index}`;
    const { x, y, saysLabels } = partsOf(element, at);
    const xs = numbersIn(x, `${at}: inputs`);
    const count = xs.length / stride;
    if (count < 1 || !Number.isInteger(count)) {
      throw new DataProblem(
        `${at}: expected inputs of shape [${inputShape.join(", ")}] or several such (the model's input), got ${xs.length} numbers`,
      );
    }
    const ys = numbersIn(y, `${at}: targets`);
    const areLabels = saysLabels ?? (outputs > 1 && ys.length === count);
    if (ys.length !== (areLabels ? count : count * outputs)) {
      const what = areLabels ? "labels" : `targets of ${outputs} numbers each (the model's outputs)`;
      throw new DataProblem(`${at}: expected ${count} ${what}, got ${ys.length} numbers`);
    }
    inputs.push(xs);
    targets.push(areLabels ? oneHot(ys, at, outputs) : ys);
    index += 1;
  }
  if (index === 0) throw new DataProblem(`${where}: expected examples, got none`);
  return {
    inputs: inputs.shared(),
    inputShape,
    targets: targets.shared(),
    outputs,
    size: inputs.length / stride,
  };
}

function partsOf(element: unknown, at: string): { x: unknown; y: unknown; saysLabels: boolean | null } {
  if (Array.isArray(element) && element.length === 2)
    return { x: element[0], y: element[1], saysLabels: null };
  if (isRecord(element)) {
    const { inputs, labels, targets, xs, ys } = element;
    if (inputs !== undefined && labels !== undefined) return { x: inputs, y: labels, saysLabels: true };
    if (inputs !== undefined && targets !== undefined) return { x: inputs, y: targets, saysLabels: false };
    if (xs !== undefined && ys !== undefined) return { x: xs, y: ys, saysLabels: null };
  }
  const forms = "{ inputs, targets }, { inputs, labels }, { xs, ys } or [x, y]";
  throw new DataProblem(`${at}: expected ${forms}, got ${kind(element)}`);
}

/** A label may stand alone. */
function numbersIn(value: unknown, where: string): ArrayLike<number> {
  return typeof value === "number" ? [value] : readNumbers(value, where).values;
}

function oneHot(labels: ArrayLike<number>, at: string, outputs: number): Float32Array {
  const targets = new Float32Array(labels.length * outputs);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    if (!Number.isInteger(label) || label < 0 || label >= outputs) {
      throw new DataProblem(
        `${at}: expected a class from 0 to ${outputs - 1} (the model has ${outputs} outputs), got ${label}`,
      );
    }
    targets[i * outputs + label] = 1;
  }
  return targets;
}

/** Numbers whose count is not known before the last has come. */
class Growing {
  readonly #where: string;
  readonly #most: number;
  #values = new Float32Array(1024);
  #length = 0;

  constructor(where: string, most: number) {
    this.#where = where;
    this.#most = most;
  }

  get length(): number {
    return this.#length;
  }

  push(values: ArrayLike<number>): void {
    const needed = this.#length + values.length;
    if (needed > this.#most) {
      throw new DataProblem(`${this.#where}: expected at most ${this.#most} numbers, got more; does it end?`);
    }
    if (needed > this.#values.length) {
      const larger = new Float32Array(Math.min(this.#most, Math.max(needed, 2 * this.#values.length)));
      larger.set(this.#values.subarray(0, this.#length));
      this.#values = larger;
    }
    this.#values.set(values, this.#length);
    for (let i = this.#length; i < needed; i++) {
      if (Number.isFinite(this.#values[i])) continue;
      throw new DataProblem(`${this.#where}: expected finite numbers, got ${this.#values[i]}`);
    }
    this.#length = needed;
  }

  shared(): Float32Array {
    const copy = sharedFloats(this.#length);
    copy.set(this.#values.subarray(0, this.#length));
    return copy;
  }
}

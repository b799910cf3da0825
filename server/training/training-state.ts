/** What continuing a run needs beside θ, as bytes: a JSON header, then the optimizer's slots. */
import { UserError } from "./user-error.ts";

export interface TrainingPosition {
  /** Updates made; with the order seed it is also the position in the data. */
  readonly step: number;
  /** Base η, before its schedule. */
  readonly learningRate: number;
  /** Of the optimizer; Adam's bias correction depends on it. */
  readonly updateCount: number;
  readonly slots: Readonly<Record<string, Float32Array>>;
}

const VERSION = 1;

/** u32 length of the JSON, the JSON padded with spaces to a multiple of four, the slots as float32; all little-endian. */
export function encodeTrainingState(position: TrainingPosition): Uint8Array {
  const { slots, ...rest } = position;
  const lengths = Object.entries(slots).map(([name, values]) => ({ name, length: values.length }));
  const json = JSON.stringify({ version: VERSION, ...rest, slots: lengths });
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 4) * 4));
  const bytes = new Uint8Array(4 + text.length + 4 * lengths.reduce((sum, { length }) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = 4 + text.length;
  for (const values of Object.values(slots)) {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

/** @throws {UserError} `state-foreign` when these are not the bytes of a state of this version. */
export function decodeTrainingState(bytes: Uint8Array): TrainingPosition {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const textLength = bytes.length < 4 ? Number.POSITIVE_INFINITY : view.getUint32(0, true);
  if (4 + textLength > bytes.length) throw foreign(`${bytes.length} bytes`);
  const header = parse(new TextDecoder().decode(bytes.subarray(4, 4 + textLength)));
  const slots: Record<string, Float32Array> = {};
  let at = 4 + textLength;
  for (const { name, length } of header.slots) {
    if (at + 4 * length > bytes.length) throw foreign(`slot ${name} cut at byte ${bytes.length}`);
    const from = at;
    slots[name] = Float32Array.from({ length }, (_, i) => view.getFloat32(from + 4 * i, true));
    at += 4 * length;
  }
  return {
    step: header.step,
    learningRate: header.learningRate,
    updateCount: header.updateCount,
    slots,
  };
}

interface StateHeader {
  readonly step: number;
  readonly learningRate: number;
  readonly updateCount: number;
  readonly slots: readonly { readonly name: string; readonly length: number }[];
}

function parse(text: string): StateHeader {
  let header: (StateHeader & { readonly version: number }) | undefined;
  try {
    header = JSON.parse(text);
  } catch {
    throw foreign("no JSON header");
  }
  if (header?.version !== VERSION) throw foreign(`version ${header?.version}`);
  return header;
}

function foreign(found: string): UserError {
  return new UserError(
    "state-foreign",
    `train/state: expected a training state of version ${VERSION}, found ${found}`,
  );
}

/**
 * θ as bytes, without loss: floats as ordered integers, minus what the previous steps predict, zigzag, byte planes, zstd.
 *
 * Layout: u8 version, u8 order, u16 zero, u32 count (little-endian), then one zstd frame of 4·count bytes: all lowest bytes first.
 * Order 0 is a keyframe and needs nothing before it; 1 predicts o_{t−1}; 2 predicts 2o_{t−1} − o_{t−2}, which is what fits momentum
 * and Adam. All arithmetic is mod 2³², so every bit pattern comes back, NaN payloads and −0 included.
 */
import { RecordingError } from "./recording-error.ts";
import { zstd } from "./zstd.ts";

const VERSION = 1;
const HEADER_BYTES = 8;
const ORDER = { keyframe: 0, first: 1, second: 2 } as const;
/** The order is chosen from every 13th parameter: a stride that shares no factor with usual layer widths. */
const SAMPLE_STRIDE = 13;

/** Bit pattern of a float32 to an int32 of the same order, and back: its own inverse. */
function ordered(bits: number): number {
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

/** The last two θ as ordered integers, newest first, and how many of them are known since the keyframe. */
class History {
  newest: Int32Array;
  older: Int32Array;
  known = 0;

  constructor(count: number) {
    this.newest = new Int32Array(count);
    this.older = new Int32Array(count);
  }

  /** Makes room for the next θ: what `newest` then holds is to be overwritten. */
  advance(): void {
    const recycled = this.older;
    this.older = this.newest;
    this.newest = recycled;
    this.known++;
  }
}

export class WeightEncoder {
  readonly #history: History;
  readonly #planes: Uint8Array;
  readonly #keyframeEvery: number;
  #sinceKeyframe = 0;

  /** @param keyframeEvery  in messages. 16 costs 8 % of size against none, and bounds a seek to 16 decodes. */
  constructor(parameterCount: number, keyframeEvery = 16) {
    if (!Number.isInteger(keyframeEvery) || keyframeEvery < 1) {
      throw new RangeError(`keyframeEvery: expected an integer ≥ 1, got ${keyframeEvery}`);
    }
    this.#history = new History(parameterCount);
    this.#planes = new Uint8Array(4 * parameterCount);
    this.#keyframeEvery = keyframeEvery;
  }

  /** @param theta  [D], read during the call only. @returns a buffer of its own, which may be transferred. */
  encode(theta: Float32Array): Uint8Array {
    const history = this.#history;
    const count = history.newest.length;
    if (theta.length !== count) throw new RangeError(`theta: expected ${count} values, got ${theta.length}`);
    const bits = new Int32Array(theta.buffer, theta.byteOffset, count);
    if (this.#sinceKeyframe % this.#keyframeEvery === 0) history.known = 0;
    this.#sinceKeyframe = history.known === 0 ? 1 : this.#sinceKeyframe + 1;

    const order = chooseOrder(bits, history);
    splitResiduals(bits, history, order, this.#planes);
    history.advance();
    const { newest } = history;
    for (let i = 0; i < count; i++) newest[i] = ordered(bits[i] as number);

    const frame = zstd.compress(this.#planes);
    const bytes = new Uint8Array(HEADER_BYTES + frame.byteLength);
    bytes[0] = VERSION;
    bytes[1] = order;
    new DataView(bytes.buffer).setUint32(4, count, true);
    bytes.set(frame, HEADER_BYTES);
    return bytes;
  }
}

/** The order whose residuals need fewer bits, on a sample of the parameters. */
function chooseOrder(bits: Int32Array, { newest, older, known }: History): number {
  if (known === 0) return ORDER.keyframe;
  if (known === 1) return ORDER.first;
  return secondOrderGain(bits, newest, older) > 0 ? ORDER.second : ORDER.first;
}

/** Bits that order 2 saves. In a function of its own: what follows a loop that V8 replaces while it runs, it would never optimise. */
function secondOrderGain(bits: Int32Array, newest: Int32Array, older: Int32Array): number {
  let gain = 0;
  for (let i = 0; i < bits.length; i += SAMPLE_STRIDE) {
    const a = newest[i] as number;
    const first = (ordered(bits[i] as number) - a) | 0;
    const second = (first - a + (older[i] as number)) | 0;
    gain += Math.clz32(zigzag(second)) - Math.clz32(zigzag(first));
  }
  return gain;
}

function zigzag(value: number): number {
  return (value << 1) ^ (value >> 31);
}

function splitResiduals(
  bits: Int32Array,
  { newest, older }: History,
  order: number,
  planes: Uint8Array,
): void {
  const count = bits.length;
  for (let i = 0; i < count; i++) {
    let residual = ordered(bits[i] as number);
    if (order === ORDER.first) residual -= newest[i] as number;
    else if (order === ORDER.second) residual -= 2 * (newest[i] as number) - (older[i] as number);
    const z = zigzag(residual | 0);
    planes[i] = z;
    planes[count + i] = z >>> 8;
    planes[2 * count + i] = z >>> 16;
    planes[3 * count + i] = z >>> 24;
  }
}

export class WeightDecoder {
  readonly #history: History;

  constructor(parameterCount: number) {
    this.#history = new History(parameterCount);
  }

  /**
   * The next θ, [D], the caller's own. Messages come in the order in which they were encoded, from a keyframe on.
   *
   * @throws {RecordingError} `damaged`: these bytes are not the next θ of this many parameters.
   */
  decode(bytes: Uint8Array): Float32Array {
    this.advance(bytes);
    const { newest } = this.#history;
    const theta = new Float32Array(newest.length);
    const bits = new Int32Array(theta.buffer);
    for (let i = 0; i < newest.length; i++) bits[i] = ordered(newest[i] as number);
    return theta;
  }

  /** As `decode`, where θ itself is not wanted: on the way from a keyframe. */
  advance(bytes: Uint8Array): void {
    const history = this.#history;
    const count = history.newest.length;
    const order = orderOf(bytes, count);
    if (order === ORDER.keyframe) history.known = 0;
    if (history.known < order) {
      throw new RecordingError(
        "damaged",
        `weights: expected a keyframe first, got a difference of order ${order}`,
      );
    }
    const planes = decompress(bytes.subarray(HEADER_BYTES), 4 * count);
    history.advance();
    // After `history.advance`, o_{t−1} is `older`, and o_{t−2} lies where o_t goes.
    const { newest, older } = history;
    for (let i = 0; i < count; i++) {
      const z =
        (planes[i] as number) |
        ((planes[count + i] as number) << 8) |
        ((planes[2 * count + i] as number) << 16) |
        ((planes[3 * count + i] as number) << 24);
      let value = (z >>> 1) ^ -(z & 1);
      if (order === ORDER.first) value += older[i] as number;
      else if (order === ORDER.second) value += 2 * (older[i] as number) - (newest[i] as number);
      newest[i] = value;
    }
  }
}

function orderOf(bytes: Uint8Array, count: number): number {
  if (bytes.byteLength < HEADER_BYTES || bytes[0] !== VERSION || (bytes[1] as number) > ORDER.second) {
    const got =
      bytes.byteLength < HEADER_BYTES
        ? `${bytes.byteLength} bytes`
        : `version ${bytes[0]}, order ${bytes[1]}`;
    throw new RecordingError("damaged", `weights: expected version ${VERSION} and order 0 to 2, got ${got}`);
  }
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  if (stored !== count) {
    throw new RecordingError("damaged", `weights: expected ${count} parameters, got ${stored}`);
  }
  return bytes[1] as number;
}

function decompress(frame: Uint8Array, size: number): Uint8Array {
  try {
    return zstd.decompress(frame, size);
  } catch (cause) {
    throw new RecordingError("damaged", `weights: expected a zstd frame of ${size} bytes`, { cause });
  }
}

/** Can decoding begin here? */
export function isKeyframe(bytes: Uint8Array): boolean {
  return bytes[1] === ORDER.keyframe;
}

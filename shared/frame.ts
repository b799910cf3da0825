/** Binary frames: a 32-byte little-endian header, then the payload, 8-aligned so that a Float32Array can lie on it. */

export const FRAME_HEADER_BYTES = 32;
const VERSION = 1;
const KIND = { f32: 1, bytes: 2 } as const;
const FLAG_LOSSY = 8;

export interface Frame {
  readonly subscription: number;
  readonly seq: number;
  readonly wallTimeMs: number;
  readonly step: number;
  /** Index into `subscribed.channels`. */
  readonly channel: number;
  readonly lossy: boolean;
  readonly payload: Float32Array | Uint8Array;
}

/** Wall times are kept to a microsecond; the frame, like MCAP, counts nanoseconds. */
export function nanosOfMs(wallTimeMs: number): bigint {
  return BigInt(Math.round(wallTimeMs * 1000)) * 1000n;
}

export function msOfNanos(nanos: bigint): number {
  return Number(nanos / 1000n) / 1000;
}

export function encodeFrame(frame: Frame): Uint8Array {
  const body = frame.payload;
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + body.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, body instanceof Float32Array ? KIND.f32 : KIND.bytes);
  view.setUint16(2, frame.lossy ? FLAG_LOSSY : 0, true);
  view.setUint32(4, frame.subscription, true);
  view.setBigUint64(8, BigInt(frame.seq), true);
  view.setBigUint64(16, nanosOfMs(frame.wallTimeMs), true);
  view.setUint32(24, frame.step, true);
  view.setUint32(28, frame.channel, true);
  bytes.set(new Uint8Array(body.buffer, body.byteOffset, body.byteLength), FRAME_HEADER_BYTES);
  return bytes;
}

/** null when the bytes are no frame of this version. The payload is a view, not a copy. */
export function decodeFrame(bytes: ArrayBuffer): Frame | null {
  if (bytes.byteLength < FRAME_HEADER_BYTES) return null;
  const view = new DataView(bytes);
  const kind = view.getUint8(1);
  if (view.getUint8(0) !== VERSION || (kind !== KIND.f32 && kind !== KIND.bytes)) return null;
  if (kind === KIND.f32 && bytes.byteLength % 4 !== 0) return null;
  return {
    subscription: view.getUint32(4, true),
    seq: Number(view.getBigUint64(8, true)),
    wallTimeMs: msOfNanos(view.getBigUint64(16, true)),
    step: view.getUint32(24, true),
    channel: view.getUint32(28, true),
    lossy: (view.getUint16(2, true) & FLAG_LOSSY) !== 0,
    payload:
      kind === KIND.f32
        ? new Float32Array(bytes, FRAME_HEADER_BYTES)
        : new Uint8Array(bytes, FRAME_HEADER_BYTES),
  };
}

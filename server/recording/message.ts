/**
 * What a message of a recording carries, by its channel's encoding:
 * `json` {"step":…,"value":…}; `thalweg.weights.v1` u32 step, then a message of the weight codec; `thalweg.bytes.v1` u32 step, then the bytes.
 */
import type { StreamDescriptor } from "../../shared/stream.ts";
import type { ByteWriter } from "./mcap-records.ts";

export type Payload =
  | { readonly json: string }
  /** As `WeightEncoder` made it. */
  | { readonly weights: Uint8Array }
  | { readonly bytes: Uint8Array };

type Encoding = StreamDescriptor["encoding"];

export const MESSAGE_ENCODING: Readonly<Record<Encoding, string>> = {
  json: "json",
  f32: "thalweg.weights.v1",
  bytes: "thalweg.bytes.v1",
};

const BEFORE_STEP = '{"step":';
const BEFORE_VALUE = ',"value":';
const STEP_BYTES = 4;
const LAST_STEP = 0xffff_ffff;
const DIGIT_0 = 0x30;
const CLOSING_BRACE = 0x7d;

export function writeMessageData(out: ByteWriter, step: number, payload: Payload): void {
  if ("json" in payload) {
    out.text(BEFORE_STEP).text(String(step)).text(BEFORE_VALUE).text(payload.json).text("}");
  } else {
    out.u32(step).raw("weights" in payload ? payload.weights : payload.bytes);
  }
}

/** A message's data, opened without being decoded: `bytes[start, end)` is the value. */
export interface OpenedMessage {
  readonly step: number;
  readonly start: number;
  readonly end: number;
}

/** null when the bytes are no message of this encoding. */
export function openMessage(
  encoding: Encoding,
  bytes: Buffer,
  start: number,
  end: number,
): OpenedMessage | null {
  return encoding === "json" ? openJson(bytes, start, end) : openBinary(bytes, start, end);
}

function openJson(bytes: Buffer, start: number, end: number): OpenedMessage | null {
  let at = start + BEFORE_STEP.length;
  if (end - start < BEFORE_STEP.length || bytes.toString("latin1", start, at) !== BEFORE_STEP) return null;
  let step = 0;
  const firstDigit = at;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - DIGIT_0;
    if (digit < 0 || digit > 9) break;
    step = step * 10 + digit;
  }
  const value = at + BEFORE_VALUE.length;
  if (at === firstDigit || step > LAST_STEP || value >= end - 1) return null;
  if (bytes.toString("latin1", at, value) !== BEFORE_VALUE || bytes[end - 1] !== CLOSING_BRACE) return null;
  return { step, start: value, end: end - 1 };
}

function openBinary(bytes: Buffer, start: number, end: number): OpenedMessage | null {
  if (end - start < STEP_BYTES) return null;
  return { step: bytes.readUInt32LE(start), start: start + STEP_BYTES, end };
}

/** Throws unless a payload fits its channel: a bug of the producer must not reach the disk. */
export function checkPayload(descriptor: StreamDescriptor, step: number, payload: Payload): void {
  const got: Encoding = "json" in payload ? "json" : "weights" in payload ? "f32" : "bytes";
  if (got !== descriptor.encoding) {
    throw new RangeError(`payload of ${descriptor.name}: expected ${descriptor.encoding}, got ${got}`);
  }
  if (!Number.isInteger(step) || step < 0 || step > LAST_STEP) {
    throw new RangeError(`step: expected an integer from 0 to ${LAST_STEP}, got ${step}`);
  }
}

/** WebSocket frames as bytes (RFC 6455, section 5.2): put together once, header and all, and written to as many clients as there are. */

export interface WireFrame {
  readonly bytes: Uint8Array;
}

const FIN_TEXT = 0x81;
const FIN_BINARY = 0x82;
/** Payloads up to here say their length in the second byte; the values beyond announce 16 or 64 bits of it. */
const SHORT = 125;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

export function textFrame(text: string): WireFrame {
  const length = Buffer.byteLength(text);
  const { bytes, start } = begin(FIN_TEXT, length);
  bytes.write(text, start);
  return { bytes };
}

export function binaryFrame(payload: Uint8Array): WireFrame {
  const { bytes, start } = begin(FIN_BINARY, payload.byteLength);
  bytes.set(payload, start);
  return { bytes };
}

/** Whole and, as from every server, unmasked. */
function begin(firstByte: number, length: number): { bytes: Buffer; start: number } {
  const start = length <= SHORT ? 2 : length <= 0xffff ? 4 : 10;
  const bytes = Buffer.allocUnsafe(start + length);
  bytes[0] = firstByte;
  if (start === 2) bytes[1] = length;
  else if (start === 4) {
    bytes[1] = LENGTH_16;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = LENGTH_64;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  return { bytes, start };
}

/** Is a value, as a client has it, what the log holds, to the last bit? */
import type { SessionEvent } from "../../server/session/session.ts";

export function isSameValue(event: SessionEvent | undefined, value: unknown): boolean {
  if (event === undefined) return false;
  if (event.data === undefined) return JSON.stringify(value) === event.json;
  return ArrayBuffer.isView(value) && Buffer.compare(bytesOf(event.data), bytesOf(value)) === 0;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A WebSocket of the place where this runs: the browser's own; in Node that of `ws`, since not every Node has one. */
import type { Socket } from "./host.ts";

type WebSocketClass = new (url: string, protocols: string[]) => object;

const { process } = globalThis as { process?: { versions?: { node?: string } } };
const Constructor: WebSocketClass =
  process?.versions?.node === undefined ? globalThis.WebSocket : (await import("ws")).WebSocket;

export function openSocket(url: string, protocols: readonly string[]): Socket {
  return new Constructor(url, [...protocols]) as Socket;
}

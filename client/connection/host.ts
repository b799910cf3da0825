/** What a line needs of the world: sockets, time and chance. */

/** What we use of a WebSocket: the browser's, `ws`, or a test's. */
export interface Socket {
  binaryType: string;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

export interface ConnectionHost {
  connect(url: string, protocols: readonly string[]): Socket;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
  nowMs(): number;
  random(): number;
}

/** Real time and the browser's sockets. */
export function browserHost(): ConnectionHost {
  return {
    connect: (url, protocols) => new WebSocket(url, [...protocols]) as unknown as Socket,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
    nowMs: () => Date.now(),
    random: () => Math.random(),
  };
}

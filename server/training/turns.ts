/** Turns of the event loop, so that timers, sockets and controls act between the steps of a long computation. */

export interface Turns {
  /** Calls back in a later turn; not at all once closed. */
  next(callback: () => void): void;
  close(): void;
}

/**
 * By message channel: a timer would wait at least a millisecond, and in a browser's hidden tab a second.
 * The two ports take turns. A port that posts to itself from its own handler is served again at once, up to a thousand times
 * in Node, and meanwhile no timer fires and no socket is read.
 */
export function createTurns(): Turns {
  const channel = new MessageChannel();
  let waiting: (() => void) | null = null;
  let sender = channel.port1;
  const onTurn = () => {
    const callback = waiting;
    waiting = null;
    callback?.();
  };
  for (const port of [channel.port1, channel.port2]) {
    port.addEventListener("message", onTurn);
    port.start();
  }
  return {
    next(callback) {
      waiting = callback;
      sender.postMessage(null);
      sender = sender === channel.port1 ? channel.port2 : channel.port1;
    },
    close() {
      waiting = null;
      channel.port1.close();
      channel.port2.close();
    },
  };
}

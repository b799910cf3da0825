/** {@link Modes} across two threads: one publishes, the other waits for what it needs. */
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import type { Modes } from "../streams/define.ts";
import type { ModeLine } from "./messages.ts";

const PUBLISHED = 0;
const ENDED = 1;
const WAIT_MS = 50;

/** The two ends of a line. */
export function createModeLine(): { readonly from: ModeLine; readonly to: ModeLine } {
  const { port1, port2 } = new MessageChannel();
  const signal = new SharedArrayBuffer(8);
  return { from: { port: port1, signal }, to: { port: port2, signal } };
}

/** Any thread: no more vectors will come, nobody need wait. */
export function endModes({ signal }: Pick<ModeLine, "signal">): void {
  const words = new Int32Array(signal);
  Atomics.store(words, ENDED, 1);
  Atomics.notify(words, PUBLISHED);
}

interface Published {
  readonly step: number;
  readonly vector: Float32Array | null;
}

export function modePublisher(line: ModeLine): Modes {
  const words = new Int32Array(line.signal);
  return {
    waitedMs: 0,
    publish(step, vector) {
      const message: Published = { step, vector };
      line.port.postMessage(message);
      Atomics.add(words, PUBLISHED, 1);
      Atomics.notify(words, PUBLISHED);
    },
    take() {
      throw new Error("modes: this end publishes");
    },
  };
}

/**
 * @param waits  false under --best-effort, where a due measurement may never come: what is not there is then null.
 */
export function modeTaker(line: ModeLine, waits: boolean): Modes {
  const words = new Int32Array(line.signal);
  let ahead: Published | null = null;
  let waitedMs = 0;
  const next = (): Published | null => {
    if (ahead !== null) return ahead;
    const received = receiveMessageOnPort(line.port) as { readonly message: Published } | undefined;
    return received === undefined ? null : received.message;
  };
  return {
    get waitedMs() {
      return waitedMs;
    },
    publish() {
      throw new Error("modes: this end takes");
    },
    take(step) {
      for (;;) {
        const published = Atomics.load(words, PUBLISHED);
        const ended = Atomics.load(words, ENDED) === 1;
        ahead = next();
        if (ahead !== null && ahead.step > step) return null; // later than asked for: kept for its turn
        if (ahead !== null) {
          const { step: measuredAt, vector } = ahead;
          ahead = null;
          if (measuredAt === step) return vector;
          continue;
        }
        if (ended || !waits) return null;
        const began = performance.now();
        Atomics.wait(words, PUBLISHED, published, WAIT_MS);
        waitedMs += performance.now() - began;
      }
    },
  };
}

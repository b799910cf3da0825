import { expect } from "vitest";

/** For what no frame announces (a cursor released, a socket gone): looked at again until it holds, on a busy machine too. */
export function eventually<T>(look: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(look, { interval: 5, timeout: 20_000 });
}

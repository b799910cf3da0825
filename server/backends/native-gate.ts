/**
 * Keeps a thread from being ended inside a native call.
 *
 * Node can end a thread anywhere in JavaScript. In the middle of a native call it lets the call return into a thread that runs no
 * JavaScript any more, where onnxruntime-node's binding throws a C++ exception that nobody catches: the whole process aborts.
 */

const FREE = 0;
const CALLING = 1;
/** Somebody waits for the call to be over. */
const CLOSING = 2;
const CLOSED = 3;

export class NativeGate {
  readonly buffer: SharedArrayBuffer;
  readonly #state: Int32Array<SharedArrayBuffer>;

  /** @param buffer  of the gate at the other end; without one, a new gate. */
  constructor(buffer = new SharedArrayBuffer(4)) {
    this.buffer = buffer;
    this.#state = new Int32Array(buffer);
  }

  /** In the thread: does the call, or, once the gate is closed, waits here for the thread's end. Not to be nested. */
  pass<R>(call: () => R): R {
    if (Atomics.compareExchange(this.#state, 0, FREE, CALLING) !== FREE) this.#waitForTheEnd();
    try {
      return call();
    } finally {
      if (Atomics.compareExchange(this.#state, 0, CALLING, FREE) !== CALLING) {
        Atomics.store(this.#state, 0, CLOSED);
        Atomics.notify(this.#state, 0);
      }
    }
  }

  /** From another thread: from when it resolves on, the thread is in no native call and begins none. */
  async close(): Promise<void> {
    if (this.#closeIfFree()) return;
    await Atomics.waitAsync(this.#state, 0, CLOSING).value;
  }

  /** As {@link close}, at the end of the process, where nothing asynchronous happens any more. */
  closeAtOnce(): void {
    if (!this.#closeIfFree()) Atomics.wait(this.#state, 0, CLOSING);
  }

  #closeIfFree(): boolean {
    for (;;) {
      const before = Atomics.compareExchange(this.#state, 0, FREE, CLOSED);
      if (before === FREE || before === CLOSED) return true;
      if (before === CLOSING || Atomics.compareExchange(this.#state, 0, CALLING, CLOSING) === CALLING)
        return false;
    }
  }

  #waitForTheEnd(): never {
    for (;;) Atomics.wait(this.#state, 0, CLOSED);
  }
}

/** A worker thread as the main thread holds it. */
import type { Worker } from "node:worker_threads";
import type { NativeGate } from "../backends/native-gate.ts";
import { UserError } from "../training/user-error.ts";
import type { Opened, ThreadReply, Timed, TimeRequest } from "./messages.ts";
import { spawnThread, type ThreadName } from "./spawn.ts";

export class ThreadHandle {
  readonly #name: ThreadName;
  readonly #worker: Worker;
  readonly #gate: NativeGate;
  #listener: (reply: ThreadReply) => void = () => {};
  #asked: { resolve(reply: Opened | Timed): void; reject(cause: Error): void } | null = null;
  /** Resolves when it has sent its last sample, or is gone. */
  readonly done: Promise<void>;

  constructor(name: ThreadName) {
    this.#name = name;
    const { worker, gate } = spawnThread(name);
    this.#worker = worker;
    this.#gate = gate;
    let finish = () => {};
    this.done = new Promise((resolve) => {
      finish = resolve;
    });
    this.#worker.on("message", (reply: ThreadReply) => {
      switch (reply.kind) {
        case "opened":
        case "timed":
          this.#asked?.resolve(reply);
          return;
        case "refused":
          this.#asked?.reject(new UserError(reply.code, reply.message));
          break;
        case "broken":
          this.#asked?.reject(new Error(`${name} thread: ${reply.message}`));
          break;
        case "done":
          finish();
          break;
        default:
      }
      this.#listener(reply);
    });
    this.#worker.on("error", (cause) => {
      this.#asked?.reject(cause);
      this.#listener({ kind: "broken", message: cause.stack ?? cause.message });
    });
    this.#worker.on("exit", () => {
      this.#asked?.reject(new Error(`${name} thread: it ended before it answered`));
      finish();
    });
  }

  /** @throws {UserError} when the thread refuses: a missing dataset, a model without rules, a backend that does not load. */
  open(request: object): Promise<Opened> {
    return this.#ask({ ...request, kind: "open" }) as Promise<Opened>;
  }

  /** What its work takes; another thread must be asked at the same time, with the same `turns`. */
  async time(forMs: number, turns: SharedArrayBuffer): Promise<Timed["costsMs"]> {
    const { costsMs } = (await this.#ask({ kind: "time", forMs, turns })) as Timed;
    return costsMs;
  }

  /** One question at a time. */
  #ask(request: TimeRequest | { readonly kind: "open" }): Promise<Opened | Timed> {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      this.#worker.postMessage(request);
    });
  }

  listen(listener: (reply: ThreadReply) => void): void {
    this.#listener = listener;
  }

  send(request: object, transfer: Parameters<Worker["postMessage"]>[1] = []): void {
    this.#worker.postMessage(request, transfer);
  }

  async terminate(): Promise<void> {
    await this.#gate.close();
    await this.#worker.terminate();
  }

  get name(): string {
    return this.#name;
  }
}

/** Requests under way: each has a name, one answer, and a rule for when the line breaks. */
import type { ClientMessageInput, ServerMessage } from "../../shared/protocol.ts";

/** A request that the server refused, or that the line lost (`link-lost`, `closed`). */
export class RequestError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, retryable: boolean) {
    super(message);
    this.name = "RequestError";
    this.code = code;
    this.retryable = retryable;
  }
}

interface Pending {
  readonly sent: ClientMessageInput;
  /** Harmless to send twice: survives a lost line. */
  readonly isRepeatable: boolean;
  resolve(answer: ServerMessage): void;
  reject(error: RequestError): void;
}

export class Requests {
  #next = 1;
  readonly #pending = new Map<string, Pending>();

  /** The message with its name on it, and the answer to come. */
  add(
    message: ClientMessageInput,
    isRepeatable: boolean,
  ): {
    readonly sent: ClientMessageInput;
    readonly answer: Promise<ServerMessage>;
  } {
    const request = String(this.#next++);
    const sent = { ...message, request };
    const answer = new Promise<ServerMessage>((resolve, reject) => {
      this.#pending.set(request, { sent, isRepeatable, resolve, reject });
    });
    return { sent, answer };
  }

  isWaitingFor(message: ServerMessage): boolean {
    return "request" in message && message.request !== undefined && this.#pending.has(message.request);
  }

  answer(message: ServerMessage): void {
    const request = "request" in message ? message.request : undefined;
    const pending = request === undefined ? undefined : this.#pending.get(request);
    if (request === undefined || !pending) return;
    this.#pending.delete(request);
    if (message.op === "error")
      pending.reject(new RequestError(message.code, message.message, message.retryable));
    else pending.resolve(message);
  }

  /** To be sent on a new line. */
  unanswered(): readonly ClientMessageInput[] {
    return [...this.#pending.values()].map(({ sent }) => sent);
  }

  /** The line broke: what must not be sent twice is rejected, the rest waits. */
  lose(): void {
    for (const [request, pending] of this.#pending) {
      if (pending.isRepeatable) continue;
      this.#pending.delete(request);
      pending.reject(
        new RequestError(
          "link-lost",
          "The connection broke before the answer; the request may or may not have been carried out.",
          true,
        ),
      );
    }
  }

  close(): void {
    for (const pending of this.#pending.values()) pending.reject(closed());
    this.#pending.clear();
  }
}

export function closed(): RequestError {
  return new RequestError("closed", "The connection was closed.", false);
}

export function unreachable(): RequestError {
  return new RequestError("link-lost", "The server cannot be reached at the moment.", true);
}

export function unexpected(wanted: string, answer: ServerMessage): never {
  throw new RequestError("unexpected-answer", `answer: expected "${wanted}", got "${answer.op}"`, false);
}

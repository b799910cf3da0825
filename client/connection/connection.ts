/** The talk on a {@link Line}: requests as promises, subscriptions without gap or repetition. */
import type { SessionSummary } from "../../shared/header.ts";
import type { ClientMessageInput, ControlAction, ServerMessage } from "../../shared/protocol.ts";
import { type ConnectionOptions, Line, type Talk, type Welcome } from "./line.ts";
import type { LinkState } from "./link.ts";
import { closed, Requests, unexpected, unreachable } from "./requests.ts";
import { type SubscribeRequest, type SubscriptionHandlers, SubscriptionState } from "./subscription.ts";

export type SessionMessage = Extract<ServerMessage, { op: "session" }>;

export interface Subscription {
  readonly id: number;
  /** Resolved id once the server has answered; before, what was asked for. */
  readonly session: string;
  unsubscribe(): void;
}

export class Connection {
  readonly #requests = new Requests();
  readonly #subscriptions = new Map<number, SubscriptionState>();
  #nextSubscription = 1;
  readonly #line: Line;

  constructor(options: ConnectionOptions) {
    this.#line = new Line(options, {
      up: () => this.#takeUp(),
      down: () => this.#requests.lose(),
      talk: (message) => this.#hear(message),
      frame: (frame) => this.#subscriptions.get(frame.subscription)?.receiveFrame(frame),
    });
  }

  get link(): LinkState {
    return this.#line.link;
  }

  /** Of the present socket; null while there is none. `scopes` says whether we may control. */
  get welcome(): Welcome | null {
    return this.#line.welcome;
  }

  /** Calls back on every change of the link; returns the release. */
  onLink(listener: (link: LinkState) => void): () => void {
    return this.#line.onLink(listener);
  }

  /** Waits for the line if it is down. */
  async list(): Promise<readonly SessionSummary[]> {
    const answer = await this.#ask({ op: "list" }, true);
    return answer.op === "sessions" ? answer.sessions : unexpected("sessions", answer);
  }

  async describe(session: string): Promise<SessionMessage> {
    const answer = await this.#ask({ op: "describe", session }, true);
    return answer.op === "session" ? answer : unexpected("session", answer);
  }

  /** Resolves to the seq of its run/status event. Never repeated by itself: a lost line rejects with `link-lost`. */
  async control(session: string, action: ControlAction): Promise<{ readonly seq: number | null }> {
    const answer = await this.#ask({ op: "control", session, ...action }, false);
    return answer.op === "accepted" ? { seq: answer.seq ?? null } : unexpected("accepted", answer);
  }

  subscribe(request: SubscribeRequest, handlers: SubscriptionHandlers): Subscription {
    const state = new SubscriptionState(this.#nextSubscription++, request, handlers);
    this.#subscriptions.set(state.id, state);
    this.#line.send(state.message());
    const { id } = state;
    return {
      id,
      get session() {
        return state.session;
      },
      unsubscribe: () => {
        if (state.isOver && !this.#subscriptions.has(id)) return;
        state.close();
        this.#subscriptions.delete(id);
        this.#line.send({ op: "unsubscribe", id });
      },
    };
  }

  /** Tries again now instead of at `link.retryAtMs`. */
  retryNow(): void {
    this.#line.retryNow();
  }

  close(): void {
    this.#requests.close();
    this.#subscriptions.clear();
    this.#line.close();
  }

  #takeUp(): void {
    for (const message of this.#requests.unanswered()) this.#line.send(message);
    for (const state of this.#subscriptions.values()) this.#line.send(state.message());
  }

  #hear(message: Talk): void {
    switch (message.op) {
      case "subscribed":
      case "samples":
      case "gap":
      case "end":
        this.#toSubscription(message.id, message);
        break;
      case "state":
        for (const state of this.#subscriptions.values()) {
          if (message.id === state.id || (message.id === undefined && message.session === state.session)) {
            state.receive(message);
          }
        }
        break;
      case "error":
        // An answer to a request does not end the subscription that it names.
        if (this.#requests.isWaitingFor(message)) break;
        if (message.id !== undefined) this.#toSubscription(message.id, message);
        break;
      default:
    }
    this.#requests.answer(message);
  }

  #toSubscription(id: number, message: Parameters<SubscriptionState["receive"]>[0]): void {
    const state = this.#subscriptions.get(id);
    if (!state) return;
    const omitted = state.receive(message);
    if (omitted > 0) this.#line.noteOmitted(omitted);
    if (state.isOver) this.#subscriptions.delete(id);
    else if (message.op === "error") {
      this.#line.soon(() => {
        if (!state.isOver) this.#line.send(state.message());
      });
    }
  }

  #ask(message: ClientMessageInput, isRepeatable: boolean): Promise<ServerMessage> {
    if (this.#line.link.status === "closed") return Promise.reject(closed());
    if (this.#line.welcome === null && !isRepeatable) return Promise.reject(unreachable());
    const { sent, answer } = this.#requests.add(message, isRepeatable);
    this.#line.send(sent);
    return answer;
  }
}

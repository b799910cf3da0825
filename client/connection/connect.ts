/**
 * Thalweg's sessions for other programs, in Node and in the browser: streams as observables that survive a cut line.
 *
 * Nothing of the server, of the dashboard or of tfjs comes with this module.
 */
import { Observable } from "rxjs";
import type { SessionSummary } from "../../shared/header.ts";
import { ErrorBody } from "../../shared/http.ts";
import type { ControlAction } from "../../shared/protocol.ts";
import { Connection, type SessionMessage } from "./connection.ts";
import type { LinkState } from "./link.ts";
import { RequestError } from "./requests.ts";
import { openSocket } from "./socket.ts";
import type { GapMessage, Position, ReceivedSample } from "./subscription.ts";

export type * from "../../shared/readings.ts";
export type { LinkState } from "./link.ts";
export { RequestError } from "./requests.ts";

export interface ConnectOptions {
  /** As the server was given it, or a share link's code; a page of the server itself has its cookie. */
  readonly token?: string | undefined;
}

export interface SamplesOptions {
  /** An id, or "live": the newest live one, waited for where there is none. */
  readonly session?: string;
  /** Where in the log to begin: "start" unless said otherwise. At a step: of channels that lag behind it, earlier steps may follow. */
  readonly from?: "start" | "now" | Position;
  /** Only steps that are a multiple of it. */
  readonly every?: number;
  /** `latest`: only the newest of each channel when this program is slow, and at most `maxHz` times a second. */
  readonly mode?: "lossless" | "latest";
  readonly maxHz?: number;
  /** Told of samples that the server had to leave out. Without it such a gap is an error; with `latest` it is what was asked for. */
  readonly onGap?: (gap: GapMessage) => void;
}

export interface RemoteSample<V> extends Omit<ReceivedSample, "value"> {
  readonly value: V;
}

export interface Remote {
  /**
   * Samples of a channel, of several, or of globs, in the order of the log, each once, over any number of cut lines. Completes when the
   * session has ended; unsubscribing ends the subscription. `next` is called as frames arrive: a program that takes long over it is served
   * from the server's disk, and holds nobody up.
   *
   * Errors with a {@link RequestError}: `unauthorized`, `unreachable` (before the first connection), `unknown-session`, `unknown-channel`,
   * a gap's reason, and other codes of docs/protocol.md.
   */
  samples<V = ReceivedSample["value"]>(
    channels: string | readonly string[],
    options?: SamplesOptions,
  ): Observable<RemoteSample<V>>;
  /** How the line stands, for as long as somebody listens. */
  readonly link$: Observable<LinkState>;
  sessions(): Promise<readonly SessionSummary[]>;
  /** Header, channels and state. */
  describe(session: string): Promise<SessionMessage>;
  /** Resolves to the seq of its `run/status` event. Never repeated by itself: a line that breaks rejects with `link-lost`. */
  control(session: string, action: ControlAction): Promise<{ readonly seq: number | null }>;
}

/**
 * One socket for all that is asked of the result: opened with the first question or subscriber, closed with the last.
 *
 * @param url  of the server: "http://127.0.0.1:4242", or with ws; a path is passed over.
 * @throws {TypeError} if it is no address.
 */
export function connect(url: string, { token }: ConnectOptions = {}): Remote {
  const line = new Line(originOf(url), token);
  return {
    samples: <V>(channels: string | readonly string[], options: SamplesOptions = {}) =>
      new Observable<RemoteSample<V>>((subscriber) => {
        const { session = "live", onGap, ...rest } = options;
        const isPatient = onGap !== undefined || rest.mode === "latest";
        const held = line.hold((error) => subscriber.error(error));
        const subscription = held.connection.subscribe(
          {
            session,
            channels: typeof channels === "string" ? [channels] : channels,
            ...rest,
            allowGap: isPatient,
          },
          {
            samples: (samples) => {
              for (const sample of samples) {
                if (subscriber.closed) return;
                subscriber.next(sample as RemoteSample<V>);
              }
            },
            gap: (gap) => {
              onGap?.(gap);
              if (!isPatient) subscriber.error(gapError(gap));
            },
            end: () => subscriber.complete(),
            error: ({ code, message, retryable }) => {
              // Nothing is live yet, or the log could not be read just now: it asks again by itself.
              if (!retryable) subscriber.error(new RequestError(code, message, false));
            },
          },
        );
        return () => {
          subscription.unsubscribe();
          held.release();
        };
      }),
    link$: new Observable<LinkState>((subscriber) => {
      const held = line.hold((error) => subscriber.error(error));
      subscriber.next(held.connection.link);
      const forget = held.connection.onLink((link) => subscriber.next(link));
      return () => {
        forget();
        held.release();
      };
    }),
    sessions: () => line.ask((connection) => connection.list()),
    describe: (session) => line.ask((connection) => connection.describe(session)),
    control: (session, action) =>
      line.ask(async (connection) => {
        // Whether it is carried out twice is not this side's to say: so it is sent once, and not before there is a line.
        await connection.list();
        return connection.control(session, action);
      }),
  };
}

/** Whoever has taken a request and says nothing for so long, does not answer. */
const PATIENCE_MS = 5_000;

interface Held {
  readonly connection: Connection;
  release(): void;
}

/** The connection, for as long as somebody holds it, and the reason why there is none. */
class Line {
  readonly #origin: string;
  readonly #token: string | undefined;
  readonly #holders = new Set<(error: RequestError) => void>();
  #connection: Connection | null = null;
  #wasConnected = false;

  constructor(origin: string, token: string | undefined) {
    this.#origin = origin;
    this.#token = token;
  }

  hold(onRefused: (error: RequestError) => void): Held {
    // Each holder is another one, also where two have the same function.
    const refuse = (error: RequestError): void => onRefused(error);
    this.#holders.add(refuse);
    this.#connection ??= this.#open();
    return {
      connection: this.#connection,
      release: () => {
        this.#holders.delete(refuse);
        if (this.#holders.size > 0) return;
        this.#connection?.close();
        this.#connection = null;
      },
    };
  }

  ask<T>(question: (connection: Connection) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const held = this.hold((error) => {
        reject(error);
        // No answer will come of a line that is refused; held, it would try for ever.
        held.release();
      });
      question(held.connection)
        .then(resolve, reject)
        .finally(() => held.release());
    });
  }

  #open(): Connection {
    this.#wasConnected = false;
    const token = this.#token;
    const connection = new Connection({
      url: `${this.#origin.replace(/^http/, "ws")}/v1/stream`,
      ...(token === undefined ? {} : { token }),
      host: {
        connect: openSocket,
        setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
        clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
        nowMs: () => Date.now(),
        random: () => Math.random(),
      },
    });
    connection.onLink(({ status, retryAtMs }) => {
      if (status === "connected") this.#wasConnected = true;
      else if (status === "offline" || retryAtMs !== null) void this.#askWhy(connection);
    });
    return connection;
  }

  /** A socket that is refused does not say why; the same door over HTTP does. */
  async #askWhy(connection: Connection): Promise<void> {
    const answer = await fetch(`${this.#origin}/v1/presets`, {
      headers: this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch(() => null);
    if (connection !== this.#connection || connection.link.status === "connected") return;
    if (answer !== null) {
      const error = await refusalOf(answer);
      if (error !== null) this.#refuse(error);
    } else if (!this.#wasConnected) {
      this.#refuse(new RequestError("unreachable", `${this.#origin}: no Thalweg server answers there`, true));
    }
  }

  #refuse(error: RequestError): void {
    for (const refuse of [...this.#holders]) refuse(error);
  }
}

/** Why the door is closed; null where it is open. */
async function refusalOf(answer: Response): Promise<RequestError | null> {
  const body = ErrorBody.safeParse(await answer.json().catch(() => null));
  if (answer.ok || answer.status >= 500) return null;
  const { code, message } = body.success
    ? body.data.error
    : {
        code: "unreachable",
        message: `expected a Thalweg server, got an answer with status ${answer.status}`,
      };
  return new RequestError(code, message, false);
}

function gapError({ reason, count, fromSeq, toSeq }: GapMessage): RequestError {
  const message = `samples: ${count} between seq ${fromSeq} and ${toSeq} were left out; onGap takes them as they are`;
  return new RequestError(reason, message, false);
}

function originOf(url: string): string {
  const { origin, protocol } = new URL(url);
  if (/^(https?|wss?):$/.test(protocol)) return origin.replace(/^ws/, "http");
  throw new TypeError(`url: expected an address like http://127.0.0.1:4242, got "${url}"`);
}

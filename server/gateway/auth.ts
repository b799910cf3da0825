/** Who may come in: tokens for tools, and for browsers one-time launch codes that become cookies. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Observable, Subject } from "rxjs";
import type { Share } from "../../shared/http.ts";
import type { Scope } from "../../shared/protocol.ts";

const LAUNCH_CODE_MS = 10 * 60_000;
const BROWSER_SESSION_MS = 7 * 24 * 3_600_000;
/** Each is some hundred bytes; the oldest make way. */
const MAX_LAUNCH_CODES = 64;
const MAX_BROWSER_SESSIONS = 1024;
const MAX_SHARES = 256;

const BOTH: readonly Scope[] = ["read", "control"];
const READ: readonly Scope[] = ["read"];

export interface AuthOptions {
  /** Opens everything. At least 16 characters of A–Z a–z 0–9 . _ ~ -, so that it fits a header and a subprotocol. */
  readonly token: string;
  /** Opens what does not change a run. */
  readonly readToken?: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** What somebody has shown: what it is good for, and until when. */
export interface Grant {
  readonly scopes: readonly Scope[];
  /** The only session that it shows; null: every one. */
  readonly session: string | null;
  /** For a cookie: is it still good? A token is for as long as the server runs. */
  readonly isValid: () => boolean;
}

export interface LaunchCode {
  readonly code: string;
  readonly expiresAtMs: number;
}

export interface NewShare extends Share {
  /** As a launch code that is not used up, or as a bearer token. */
  readonly code: string;
}

interface Entry {
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number;
  /** Came by it, and goes with it. */
  readonly share?: Share;
}

/** 32 random bytes, as 43 characters. */
export function createToken(): string {
  return randomBytes(32).toString("base64url");
}

export class Auth {
  readonly #tokens: readonly { readonly digest: Buffer; readonly scopes: readonly Scope[] }[];
  readonly #now: () => number;
  // By digest: what lies in memory, and in a core dump, opens nothing.
  readonly #launchCodes = new Map<string, Entry>();
  readonly #browserSessions = new Map<string, Entry>();
  readonly #shares = new Map<string, Share>();
  readonly #revocations = new Subject<void>();
  /** Emits when grants that were valid may no longer be. */
  readonly revocations$: Observable<void> = this.#revocations.asObservable();

  constructor({ token, readToken, now = Date.now }: AuthOptions) {
    this.#tokens = [
      { digest: digest(checked("token", token)), scopes: BOTH },
      ...(readToken === undefined ? [] : [{ digest: digest(checked("readToken", readToken)), scopes: READ }]),
    ];
    this.#now = now;
  }

  /** Good for one exchange within ten minutes. */
  createLaunchCode(scopes: readonly Scope[] = BOTH): LaunchCode {
    const code = createToken();
    const expiresAtMs = this.#now() + LAUNCH_CODE_MS;
    keep(this.#launchCodes, MAX_LAUNCH_CODES, code, { scopes, expiresAtMs });
    return { code, expiresAtMs };
  }

  /** The value of a browser session's cookie; null for a code that is unknown, used or too old. A share's code is never used up. */
  redeem(code: string): string | null {
    const key = keyOf(code);
    const share = this.#shareOf(key);
    const entry = share === null ? this.#launchCodes.get(key) : { ...share, scopes: READ, share };
    this.#launchCodes.delete(key);
    if (entry === undefined || entry.expiresAtMs <= this.#now()) return null;
    const secret = createToken();
    const expiresAtMs = this.#now() + BROWSER_SESSION_MS;
    keep(
      this.#browserSessions,
      MAX_BROWSER_SESSIONS,
      secret,
      share === null ? { scopes: entry.scopes, expiresAtMs } : { scopes: READ, expiresAtMs, share },
    );
    return secret;
  }

  isShareCode(code: string): boolean {
    return this.#shareOf(keyOf(code)) !== null;
  }

  /** @param session  an id: what may be read with it. */
  createShare(session: string, forMs: number): NewShare {
    const code = createToken();
    const share = { id: randomBytes(8).toString("hex"), session, expiresAtMs: this.#now() + forMs };
    keep(this.#shares, MAX_SHARES, code, share);
    return { ...share, code };
  }

  /** Those that are good at this moment, the oldest first. */
  get shares(): readonly Share[] {
    return [...this.#shares.values()].filter(({ expiresAtMs }) => expiresAtMs > this.#now());
  }

  /** False: there is no such share. */
  revoke(id: string): boolean {
    const key = [...this.#shares].find(([, share]) => share.id === id)?.[0];
    if (key === undefined) return false;
    this.#shares.delete(key);
    this.#revocations.next();
    return true;
  }

  /** @param isSecure  the cookie travels over TLS only. */
  setCookie(port: number, secret: string, isSecure = false): string {
    const attributes = `Path=/; Max-Age=${BROWSER_SESSION_MS / 1000}; HttpOnly; SameSite=Strict`;
    return `${cookieName(port)}=${secret}; ${attributes}${isSecure ? "; Secure" : ""}`;
  }

  /**
   * What a request shows decides: the Authorization header, else the `bearer.` subprotocol, else the cookie. A wrong token is not
   * saved by a good cookie, or nobody would notice that it is wrong.
   *
   * @param port  whose cookie is taken; null: no cookie is.
   */
  authorise(request: IncomingMessage, port: number | null): Grant | null {
    const token = bearerOf(request);
    if (token !== null) return this.#grantFor(token);
    if (port === null) return null;
    const secret = cookie(request.headers.cookie, cookieName(port));
    if (secret === null) return null;
    const key = keyOf(secret);
    const entry = this.#browserSessions.get(key);
    if (entry === undefined) return null;
    const { scopes, share } = entry;
    const isValid = () =>
      this.#browserSessions.has(key) &&
      entry.expiresAtMs > this.#now() &&
      (share === undefined || this.#isGood(share));
    return isValid() ? { scopes, session: share?.session ?? null, isValid } : null;
  }

  #grantFor(token: string): Grant | null {
    const scopes = this.#scopesOf(token);
    if (scopes !== null) return { scopes, session: null, isValid: () => true };
    const share = this.#shareOf(keyOf(token));
    if (share === null) return null;
    return { scopes: READ, session: share.session, isValid: () => this.#isGood(share) };
  }

  #shareOf(key: string): Share | null {
    const share = this.#shares.get(key);
    return share !== undefined && this.#isGood(share) ? share : null;
  }

  #isGood(share: Share): boolean {
    return share.expiresAtMs > this.#now() && [...this.#shares.values()].includes(share);
  }

  #scopesOf(token: string): readonly Scope[] | null {
    const given = digest(token);
    let scopes: readonly Scope[] | null = null;
    // Every token is compared, in constant time: how long it takes tells nothing.
    for (const known of this.#tokens) if (timingSafeEqual(known.digest, given)) scopes = known.scopes;
    return scopes;
  }
}

function checked(name: string, token: string): string {
  const problem = tokenProblem(token);
  if (problem === null) return token;
  throw new RangeError(`${name}: ${problem}`);
}

/** What is wrong with it, without saying it; null: nothing. */
export function tokenProblem(token: string): string | null {
  if (/^[A-Za-z0-9._~-]{16,512}$/.test(token)) return null;
  return `expected 16 to 512 characters of A–Z a–z 0–9 . _ ~ -, got ${token.length} characters`;
}

/** Cookies do not know ports: two servers on one machine would take each other's. */
function cookieName(port: number): string {
  return `thalweg_${port}`;
}

function bearerOf({ headers }: IncomingMessage): string | null {
  const { authorization } = headers;
  if (authorization !== undefined) return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "";
  const offered = headers["sec-websocket-protocol"]?.split(",") ?? [];
  const bearer = offered.map((name) => name.trim()).find((name) => name.startsWith("bearer."));
  return bearer?.slice("bearer.".length) ?? null;
}

function cookie(header: string | undefined, name: string): string | null {
  for (const pair of header?.split(";") ?? []) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function keyOf(secret: string): string {
  return digest(secret).toString("base64");
}

function keep<T>(entries: Map<string, T>, limit: number, secret: string, entry: T): void {
  const oldest = entries.size >= limit ? entries.keys().next().value : undefined;
  if (oldest !== undefined) entries.delete(oldest);
  entries.set(keyOf(secret), entry);
}

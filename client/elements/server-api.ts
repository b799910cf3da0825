/** What goes over HTTP: presets, starting a run, the care of recordings, and asking why a socket was refused (a browser does not say). */
import type { PresetSummary } from "../../shared/http.ts";

export type Failure = { readonly code: string; readonly message: string };

/** `open`: the server is there and knows us. `locked`: it is there and does not. `gone`: nothing answers. */
export type Door = "open" | "locked" | "gone";

export class ServerApi {
  readonly origin: string;
  readonly #token: string | undefined;

  constructor(origin: string, token?: string) {
    this.origin = origin;
    this.#token = token;
  }

  get socketUrl(): string {
    return `${this.origin.replace(/^http/, "ws")}/v1/stream`;
  }

  recordingUrl(session: string, part = 1): string {
    const url = `${this.origin}/v1/sessions/${encodeURIComponent(session)}/recording.mcap`;
    return part === 1 ? url : `${url}?part=${part}`;
  }

  async door(): Promise<Door> {
    try {
      const response = await this.#fetch("/v1/sessions");
      return response.status === 401 || response.status === 403 ? "locked" : "open";
    } catch {
      return "gone";
    }
  }

  /** Empty where the server has none, or cannot be asked. */
  async presets(): Promise<readonly PresetSummary[]> {
    try {
      const response = await this.#fetch("/v1/presets");
      if (!response.ok) return [];
      const body = (await response.json()) as { presets?: unknown };
      return Array.isArray(body.presets) ? body.presets.filter(isPreset) : [];
    } catch {
      return [];
    }
  }

  /** Starts a run by the keys of a configuration file; its session's id, or why not. */
  async start(settings: Readonly<Record<string, unknown>>): Promise<{ readonly id: string } | Failure> {
    // One run trains at a time: the one that is going on is stopped, and its recording finished.
    const answer = await this.#ask("/v1/sessions", {
      method: "POST",
      ...json({ ...settings, replace: true }),
    });
    return answer.ok ? (answer.body as { id: string }) : answer.failure;
  }

  rename(session: string, name: string): Promise<Failure | null> {
    return this.#change(`/v1/sessions/${encodeURIComponent(session)}`, "PATCH", { name });
  }

  remove(session: string): Promise<Failure | null> {
    return this.#change(`/v1/sessions/${encodeURIComponent(session)}`, "DELETE");
  }

  /** A link for reading one session; it is told this once. */
  async share(session: string): Promise<{ readonly url: string; readonly expiresAtMs: number } | Failure> {
    const answer = await this.#ask("/v1/shares", { method: "POST", ...json({ session }) });
    return answer.ok ? (answer.body as { url: string; expiresAtMs: number }) : answer.failure;
  }

  async importRecording(file: Blob): Promise<Failure | null> {
    const headers = { "content-type": "application/octet-stream" };
    const answer = await this.#ask("/v1/recordings", { method: "POST", headers, body: file });
    return answer.ok ? null : answer.failure;
  }

  async #change(path: string, method: string, body?: unknown): Promise<Failure | null> {
    const answer = await this.#ask(path, { method, ...(body === undefined ? {} : json(body)) });
    return answer.ok ? null : answer.failure;
  }

  async #ask(
    path: string,
    init: RequestInit,
  ): Promise<
    { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly failure: Failure }
  > {
    try {
      const response = await this.#fetch(path, init);
      const text = await response.text();
      const body = text === "" ? null : (JSON.parse(text) as { error?: Failure });
      if (response.ok) return { ok: true, body };
      const failure = body?.error ?? { code: "failed", message: `The server answered ${response.status}.` };
      return { ok: false, failure };
    } catch {
      return {
        ok: false,
        failure: { code: "link-lost", message: "The server cannot be reached at the moment." },
      };
    }
  }

  #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set("authorization", `Bearer ${this.#token}`);
    return fetch(this.origin + path, { ...init, headers, credentials: "same-origin", cache: "no-store" });
  }
}

function json(body: unknown): RequestInit {
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function isPreset(value: unknown): value is PresetSummary {
  if (value === null || typeof value !== "object") return false;
  const { name, title, about } = value as Partial<PresetSummary>;
  return typeof name === "string" && typeof title === "string" && typeof about === "string";
}

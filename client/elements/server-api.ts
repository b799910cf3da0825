/** The few things that go over HTTP: presets, starting a run, and asking why a socket was refused (a browser does not say). */
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

  recordingUrl(session: string): string {
    return `${this.origin}/v1/sessions/${encodeURIComponent(session)}/recording.mcap`;
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

  /** Starts a run by preset; its session's id, or why not. */
  async start(preset: string): Promise<{ readonly id: string } | Failure> {
    try {
      const response = await this.#fetch("/v1/sessions", {
        method: "POST",
        headers: { "content-type": "application/json" },
        // One run trains at a time: the one that is going on is stopped, and its recording finished.
        body: JSON.stringify({ preset, replace: true }),
      });
      const body = (await response.json()) as { id?: unknown; error?: Failure };
      if (response.ok && typeof body.id === "string") return { id: body.id };
      return body.error ?? { code: "failed", message: `The server answered ${response.status}.` };
    } catch {
      return { code: "link-lost", message: "The server cannot be reached at the moment." };
    }
  }

  #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined) headers.set("authorization", `Bearer ${this.#token}`);
    return fetch(this.origin + path, { ...init, headers, credentials: "same-origin", cache: "no-store" });
  }
}

function isPreset(value: unknown): value is PresetSummary {
  if (value === null || typeof value !== "object") return false;
  const { name, title, about } = value as Partial<PresetSummary>;
  return typeof name === "string" && typeof title === "string" && typeof about === "string";
}

import type { Failure, ServerApi } from "./server-api.ts";
import type { CareWish, SharedLink } from "./session-list.ts";

/** What the list of sessions asks of the server, and what came of it. */
export class SessionWishes {
  /** Of the last one, where it was refused. */
  complaint: string | null = null;
  shared: SharedLink | null = null;
  readonly #api: ServerApi;

  constructor(api: ServerApi) {
    this.#api = api;
  }

  /** @returns whether it was granted. */
  async grant(wish: CareWish): Promise<boolean> {
    this.complaint = null;
    const failure = await this.#ask(wish);
    this.complaint = failure?.message ?? null;
    return failure === null;
  }

  async #ask(wish: CareWish): Promise<Failure | null> {
    switch (wish.kind) {
      case "rename":
        return this.#api.rename(wish.id, wish.name);
      case "upload":
        return this.#import(wish.files);
      case "share": {
        const made = await this.#api.share(wish.id);
        if (!("url" in made)) return made;
        this.shared = { ...made, session: wish.id };
        return null;
      }
      case "delete":
        return this.#api.remove(wish.id);
    }
  }

  /** Parts in their order; what comes after one that is refused would be refused, too. */
  async #import(files: readonly File[]): Promise<Failure | null> {
    for (const file of [...files].sort((a, b) => partOf(a) - partOf(b))) {
      const failure = await this.#api.importRecording(file);
      if (failure !== null) return { ...failure, message: `${file.name}: ${failure.message}` };
    }
    return null;
  }
}

/** x.mcap is the first, x.2.mcap the second. */
function partOf({ name }: File): number {
  return Number(/\.(\d+)\.mcap$/.exec(name)?.[1] ?? 1);
}

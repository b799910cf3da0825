/** The one requestAnimationFrame loop: draws what is dirty, and nothing when nothing changed or nobody can see it. */

export interface FrameHost {
  requestAnimationFrame(callback: (timeMs: number) => void): number;
  cancelAnimationFrame(handle: number): void;
  isHidden(): boolean;
  /** Calls back when `isHidden` may have changed; returns the release. */
  onVisibility(listener: () => void): () => void;
}

export interface Drawable {
  /** Draw me in the next frame. Cheap; call it on every change. */
  invalidate(): void;
  remove(): void;
}

export class FrameLoop {
  #host: FrameHost;
  #dirty = new Set<Entry>();
  #handle: number | null = null;
  #release: () => void;

  constructor(host: FrameHost = browserFrameHost()) {
    this.#host = host;
    this.#release = host.onVisibility(() => this.#request());
  }

  /** `draw` runs at most once a frame, in the order of the invalidations. It is dirty from the start. */
  add(draw: (timeMs: number) => void): Drawable {
    const entry: Entry = { draw, removed: false };
    const drawable: Drawable = {
      invalidate: () => {
        if (entry.removed) return;
        this.#dirty.add(entry);
        this.#request();
      },
      remove: () => {
        entry.removed = true;
        this.#dirty.delete(entry);
      },
    };
    drawable.invalidate();
    return drawable;
  }

  stop(): void {
    this.#release();
    this.#dirty.clear();
    if (this.#handle !== null) this.#host.cancelAnimationFrame(this.#handle);
    this.#handle = null;
  }

  #request(): void {
    if (this.#handle !== null || this.#dirty.size === 0 || this.#host.isHidden()) return;
    this.#handle = this.#host.requestAnimationFrame((timeMs) => this.#frame(timeMs));
  }

  #frame(timeMs: number): void {
    this.#handle = null;
    const batch = [...this.#dirty];
    // What a draw invalidates, itself included, belongs to the next frame.
    this.#dirty.clear();
    for (const entry of batch) {
      if (entry.removed) continue;
      try {
        entry.draw(timeMs);
      } catch (error) {
        // One broken drawing must not stop the others; the error still reaches the console and window.onerror.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    this.#request();
  }
}

interface Entry {
  readonly draw: (timeMs: number) => void;
  removed: boolean;
}

export function browserFrameHost(): FrameHost {
  return {
    requestAnimationFrame: (callback) => window.requestAnimationFrame(callback),
    cancelAnimationFrame: (handle) => window.cancelAnimationFrame(handle),
    isHidden: () => document.hidden,
    onVisibility: (listener) => {
      document.addEventListener("visibilitychange", listener);
      return () => document.removeEventListener("visibilitychange", listener);
    },
  };
}

/** Pointers on the scrubber: anywhere on the track they drag the cursor, at its handles the range; a double click shows everything. */
import type { ScrubberOptions } from "./chart.ts";

export type Grip = "cursor" | "from" | "to";

export interface ScrubberTarget {
  /** Nearest step under a client x; null before anything is drawn. */
  stepAt(clientX: number): number | null;
  /** What a press at this client x would drag. */
  gripAt(clientX: number): Grip;
  /** The range as it is now. */
  range(): readonly [from: number, to: number];
}

/** Listens on the element; returns the release. */
export function listenToScrubber(
  element: SVGSVGElement,
  target: ScrubberTarget,
  { onScrub, onRange }: Pick<ScrubberOptions, "onScrub" | "onRange">,
): () => void {
  let grip: Grip | null = null;
  const abort = new AbortController();
  const on = <K extends keyof SVGElementEventMap>(
    type: K,
    listener: (event: SVGElementEventMap[K]) => void,
  ): void => element.addEventListener(type, listener, { signal: abort.signal });

  on("pointerdown", (event) => {
    const step = target.stepAt(event.clientX);
    if (event.button !== 0 || step === null) return;
    grip = target.gripAt(event.clientX);
    element.setPointerCapture(event.pointerId);
    if (grip === "cursor") onScrub?.(step, "start");
  });
  on("pointermove", (event) => {
    if (grip === null) {
      element.style.cursor = target.gripAt(event.clientX) === "cursor" ? "pointer" : "ew-resize";
      return;
    }
    const step = target.stepAt(event.clientX) ?? 0;
    const [from, to] = target.range();
    if (grip === "cursor") onScrub?.(step, "move");
    else if (grip === "from") onRange?.([Math.min(step, to - 1), to]);
    else onRange?.([from, Math.max(step, from + 1)]);
  });
  const release = (event: PointerEvent): void => {
    if (grip === "cursor") onScrub?.(target.stepAt(event.clientX) ?? 0, "end");
    grip = null;
  };
  on("pointerup", release);
  on("pointercancel", release);
  on("dblclick", () => onRange?.(null));
  element.style.touchAction = "none";
  return () => abort.abort();
}

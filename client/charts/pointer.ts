/** Pointers on a step axis: hover previews, a click pins, a drag chooses a range, a double click shows everything. */
import type { StepPointer } from "./chart.ts";

/** Less than this is a click with an unsteady hand. */
const DRAG_PX = 5;

export interface PointerTarget {
  /** Step under a client x, null outside the plot. */
  stepAt(clientX: number): number | null;
  /** Shows the range being dragged, in client x; null hides it. */
  showDrag(from: number | null, to: number): void;
}

/** Listens on the element; returns the release. */
export function listenToPointer(
  element: SVGSVGElement,
  target: PointerTarget,
  handlers: StepPointer,
): () => void {
  let pressedAt: number | null = null;
  let isDragging = false;
  const abort = new AbortController();
  const on = <K extends keyof SVGElementEventMap>(
    type: K,
    listener: (event: SVGElementEventMap[K]) => void,
  ): void => element.addEventListener(type, listener, { signal: abort.signal });

  const end = (): void => {
    pressedAt = null;
    isDragging = false;
    target.showDrag(null, 0);
  };
  on("pointermove", (event) => {
    if (pressedAt !== null && handlers.onRange && Math.abs(event.clientX - pressedAt) > DRAG_PX)
      isDragging = true;
    if (isDragging && pressedAt !== null) target.showDrag(pressedAt, event.clientX);
    handlers.onPreview?.(target.stepAt(event.clientX));
  });
  on("pointerleave", () => handlers.onPreview?.(null));
  on("pointerdown", (event) => {
    if (event.button !== 0 || target.stepAt(event.clientX) === null) return;
    pressedAt = event.clientX;
    if (event.pointerType === "mouse") element.setPointerCapture(event.pointerId);
  });
  on("pointerup", (event) => {
    const from = pressedAt === null ? null : target.stepAt(pressedAt);
    const to = target.stepAt(event.clientX);
    if (from !== null && isDragging && to !== null && from !== to) {
      handlers.onRange?.([Math.min(from, to), Math.max(from, to)]);
    } else if (from !== null && !isDragging && to !== null) handlers.onPin?.(to);
    end();
  });
  on("pointercancel", end);
  on("dblclick", () => handlers.onRange?.(null));
  // Up and down scroll the page; left and right are ours.
  element.style.touchAction = "pan-y";
  return () => abort.abort();
}

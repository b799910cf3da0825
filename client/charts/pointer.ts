/** Pointers on a step axis: hover previews, a click pins, a drag chooses a range, a double click shows everything. */
import { select } from "d3-selection";
import type { Axes } from "./axes.ts";
import type { StepPointer } from "./chart.ts";

/** Less than this is a click with an unsteady hand. */
const DRAG_PX = 5;
/** As far beside the plot a press is still meant for it. */
const REACH_PX = 6;

export interface PointerTarget {
  readonly svg: SVGSVGElement;
  /** As drawn last; null before. */
  axes(): Axes | null;
  /** Colour of the range being dragged. */
  accent(): string;
}

/** Listens on the chart; returns the release. */
export function listenToPointer(target: PointerTarget, handlers: StepPointer): () => void {
  const { svg } = target;
  let pressedAt: number | null = null;
  let isDragging = false;
  const abort = new AbortController();
  const on = <K extends keyof SVGElementEventMap>(
    type: K,
    listener: (event: SVGElementEventMap[K]) => void,
  ): void => svg.addEventListener(type, listener, { signal: abort.signal });

  const end = (): void => {
    pressedAt = null;
    isDragging = false;
    drawDrag(target, null, 0);
  };
  on("pointermove", (event) => {
    if (pressedAt !== null && handlers.onRange && Math.abs(event.clientX - pressedAt) > DRAG_PX)
      isDragging = true;
    if (isDragging && pressedAt !== null) drawDrag(target, pressedAt, event.clientX);
    handlers.onPreview?.(stepAt(target, event.clientX));
  });
  on("pointerleave", () => handlers.onPreview?.(null));
  on("pointerdown", (event) => {
    if (event.button !== 0 || stepAt(target, event.clientX) === null) return;
    pressedAt = event.clientX;
    if (event.pointerType === "mouse") svg.setPointerCapture(event.pointerId);
  });
  on("pointerup", (event) => {
    if (pressedAt !== null && isDragging) {
      // What is let go beside the plot reaches to its edge, as the rectangle does.
      const from = stepAt(target, pressedAt, Number.POSITIVE_INFINITY);
      const to = stepAt(target, event.clientX, Number.POSITIVE_INFINITY);
      if (from !== null && to !== null && from !== to)
        handlers.onRange?.([Math.min(from, to), Math.max(from, to)]);
    } else if (pressedAt !== null) {
      const step = stepAt(target, event.clientX);
      if (step !== null) handlers.onPin?.(step);
    }
    end();
  });
  on("pointercancel", end);
  on("dblclick", () => handlers.onRange?.(null));
  // Up and down scroll the page; left and right are ours.
  svg.style.touchAction = "pan-y";
  return () => abort.abort();
}

/** Step under a client x; beside the plot that at its edge, and null farther from it than `reachPx`. */
function stepAt({ svg, axes }: PointerTarget, clientX: number, reachPx = REACH_PX): number | null {
  const drawn = axes();
  if (!drawn) return null;
  const px = clientX - svg.getBoundingClientRect().left;
  const inside = clampTo(drawn, px);
  return Math.abs(px - inside) > reachPx ? null : Math.max(0, Math.round(drawn.x.invert(inside)));
}

/** The range being dragged, in client x; null hides it. */
function drawDrag({ svg, axes, accent }: PointerTarget, from: number | null, to: number): void {
  const drawn = axes();
  const origin = svg.getBoundingClientRect().left;
  const spans =
    from === null || !drawn ? [] : [[clampTo(drawn, from - origin), clampTo(drawn, to - origin)] as const];
  select(svg)
    .selectAll("rect.drag")
    .data(spans)
    .join("rect")
    .attr("class", "drag")
    .attr("x", ([a, b]) => Math.min(a, b))
    .attr("width", ([a, b]) => Math.abs(b - a))
    .attr("y", drawn?.box.top ?? 0)
    .attr("height", drawn ? drawn.box.bottom - drawn.box.top : 0)
    .attr("fill", accent())
    .attr("fill-opacity", 0.14);
}

function clampTo({ box }: Axes, px: number): number {
  return Math.max(box.left, Math.min(box.right, px));
}

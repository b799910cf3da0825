/** The place of a chart in the page: a canvas for marks under an SVG for axes, at the host's size and the screen's resolution. */
import type { Surface } from "./surface.ts";
import { onThemeChange, readTheme, type Theme } from "./theme.ts";

export class Stage {
  readonly canvas: HTMLCanvasElement;
  readonly svg: SVGSVGElement;
  readonly #host: HTMLElement;
  readonly #root: HTMLElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #observer: ResizeObserver;
  readonly #releaseTheme: () => void;
  readonly #redraw: () => void;
  #theme: Theme | null = null;
  #measuredRatio = 0;
  width = 0;
  height = 0;
  /** Grows with size and theme: what was laid out for an older one is stale. */
  version = 0;

  /** @param redraw  draws the last model again, at once. */
  constructor(host: HTMLElement, redraw: () => void) {
    const page = host.ownerDocument;
    this.#host = host;
    this.#redraw = redraw;
    this.#root = page.createElement("div");
    this.canvas = page.createElement("canvas");
    this.svg = page.createElementNS("http://www.w3.org/2000/svg", "svg");
    const context = this.canvas.getContext("2d");
    if (!context) throw new Error("canvas: expected a 2d context, got none");
    this.#context = context;
    // Through the object model: a strict content security policy refuses style attributes.
    Object.assign(this.#root.style, {
      position: "relative",
      width: "100%",
      height: "100%",
      overflow: "hidden",
    });
    for (const layer of [this.canvas, this.svg]) {
      Object.assign(layer.style, {
        position: "absolute",
        inset: "0",
        width: "100%",
        height: "100%",
        display: "block",
      });
    }
    this.svg.setAttribute("aria-hidden", "true");
    this.canvas.setAttribute("role", "img");
    this.#root.append(this.canvas, this.svg);
    host.append(this.#root);
    this.#observer = new ResizeObserver(() => this.resize());
    this.#observer.observe(host);
    this.#releaseTheme = onThemeChange(() => {
      this.#theme = null;
      this.version++;
      this.#redraw();
    });
  }

  get theme(): Theme {
    this.#theme ??= readTheme(this.#host);
    return this.#theme;
  }

  get ratio(): number {
    return this.canvas.ownerDocument.defaultView?.devicePixelRatio ?? 1;
  }

  /** Reads the host's size; redraws when it has changed, in the same frame, because sizing a canvas clears it. */
  resize(): void {
    if (this.#measure()) this.#redraw();
  }

  #measure(): boolean {
    const width = this.#root.clientWidth;
    const height = this.#root.clientHeight;
    this.#measuredRatio = this.ratio;
    const pixelWidth = Math.round(width * this.ratio);
    const pixelHeight = Math.round(height * this.ratio);
    const isSame = this.canvas.width === pixelWidth && this.canvas.height === pixelHeight;
    if (isSame && width === this.width && height === this.height) return false;
    this.canvas.width = pixelWidth;
    this.canvas.height = pixelHeight;
    this.width = width;
    this.height = height;
    this.#theme = null;
    this.version++;
    return true;
  }

  /** The canvas, cleared, in CSS pixels; null while the host has no size. */
  begin(): Surface | null {
    // The ratio changes without the size when a window moves to another screen.
    if (this.width === 0 || this.ratio !== this.#measuredRatio) this.#measure();
    if (this.width < 2 || this.height < 2) return null;
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    return context;
  }

  destroy(): void {
    this.#observer.disconnect();
    this.#releaseTheme();
    this.#root.remove();
  }

  /** Pixels that a text takes. */
  measure(text: string, font: string): number {
    this.#context.font = font;
    return this.#context.measureText(text).width;
  }
}

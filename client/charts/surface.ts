/** What marks are drawn on: a canvas on the page and for PNG, or this file's SVG for export. One drawing, three outputs. */

/** The part of CanvasRenderingContext2D that charts use. */
export interface Surface {
  fillStyle: string | CanvasGradient | CanvasPattern;
  strokeStyle: string | CanvasGradient | CanvasPattern;
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
  lineJoin: CanvasLineJoin;
  save(): void;
  restore(): void;
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  /** Full circles only. */
  arc(x: number, y: number, radius: number, startAngle: number, endAngle: number): void;
  rect(x: number, y: number, width: number, height: number): void;
  clip(): void;
  fill(): void;
  stroke(): void;
  fillText(text: string, x: number, y: number): void;
  setLineDash(segments: number[]): void;
  measureText(text: string): { readonly width: number };
}

interface Style {
  fillStyle: Surface["fillStyle"];
  strokeStyle: Surface["strokeStyle"];
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textAlign: CanvasTextAlign;
  textBaseline: CanvasTextBaseline;
  lineJoin: CanvasLineJoin;
  dash: readonly number[];
  /** Groups opened by clips since the save. */
  groups: number;
}

const ANCHOR = { left: "start", start: "start", center: "middle", right: "end", end: "end" } as const;
/** Baselines as a share of the font size: few SVG readers know dominant-baseline. */
const RAISE: Partial<Record<CanvasTextBaseline, number>> = {
  middle: 0.35,
  top: 0.8,
  hanging: 0.8,
  bottom: -0.2,
};

export class SvgSurface implements Surface {
  fillStyle: Surface["fillStyle"] = "#000";
  strokeStyle: Surface["strokeStyle"] = "#000";
  lineWidth = 1;
  globalAlpha = 1;
  font = "11px sans-serif";
  textAlign: CanvasTextAlign = "left";
  textBaseline: CanvasTextBaseline = "alphabetic";
  lineJoin: CanvasLineJoin = "miter";
  readonly #title: string;
  readonly #width: number;
  readonly #height: number;
  readonly #top: number;
  #body: string[] = [];
  #path: string[] = [];
  #dash: readonly number[] = [];
  #stack: Style[] = [];
  #groups = 0;
  #clips = 0;

  /** @param top  y of the upper edge. */
  constructor(width: number, height: number, title: string, top = 0) {
    this.#title = title;
    this.#width = width;
    this.#height = height;
    this.#top = top;
  }

  save(): void {
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, lineJoin } = this;
    const state = { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, lineJoin };
    this.#stack.push({ ...state, dash: this.#dash, groups: this.#groups });
    this.#groups = 0;
  }

  restore(): void {
    const style = this.#stack.pop();
    if (!style) return;
    this.#body.push("</g>".repeat(this.#groups));
    const { dash, groups, ...rest } = style;
    Object.assign(this, rest);
    this.#dash = dash;
    this.#groups = groups;
  }

  beginPath(): void {
    this.#path = [];
  }

  moveTo(x: number, y: number): void {
    this.#path.push(`M${short(x)} ${short(y)}`);
  }

  lineTo(x: number, y: number): void {
    this.#path.push(`L${short(x)} ${short(y)}`);
  }

  arc(x: number, y: number, radius: number): void {
    const r = short(radius);
    const d = short(2 * radius);
    this.#path.push(`M${short(x - radius)} ${short(y)}a${r} ${r} 0 1 0 ${d} 0a${r} ${r} 0 1 0 -${d} 0Z`);
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.#path.push(`M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`);
  }

  clip(): void {
    const id = `clip-${++this.#clips}`;
    this.#body.push(
      `<clipPath id="${id}"><path d="${this.#path.join("")}"/></clipPath><g clip-path="url(#${id})">`,
    );
    this.#groups++;
  }

  fill(): void {
    this.#draw(`fill="${escapeXml(String(this.fillStyle))}"${this.#opacity()}`);
  }

  stroke(): void {
    const dash = this.#dash.length > 0 ? ` stroke-dasharray="${this.#dash.join(" ")}"` : "";
    const stroke = `stroke="${escapeXml(String(this.strokeStyle))}" stroke-width="${short(this.lineWidth)}"`;
    this.#draw(`fill="none" ${stroke} stroke-linejoin="${this.lineJoin}"${dash}${this.#opacity()}`);
  }

  fillText(text: string, x: number, y: number): void {
    const [, size = "11", family = "sans-serif"] = /([\d.]+)px\s+(.+)$/.exec(this.font) ?? [];
    const weight = /^(\d{3})\s/.exec(this.font)?.[1];
    const baseline = y + (RAISE[this.textBaseline] ?? 0) * Number(size);
    this.#body.push(
      `<text x="${short(x)}" y="${short(baseline)}" font-family="${escapeXml(family)}" font-size="${size}"`,
      weight ? ` font-weight="${weight}"` : "",
      ` text-anchor="${ANCHOR[this.textAlign]}" fill="${escapeXml(String(this.fillStyle))}"${this.#opacity()}>`,
      `${escapeXml(text)}</text>`,
    );
  }

  setLineDash(segments: number[]): void {
    this.#dash = segments;
  }

  /** An estimate: no font is at hand. */
  measureText(text: string): { readonly width: number } {
    return { width: text.length * 0.55 * Number(/([\d.]+)px/.exec(this.font)?.[1] ?? 11) };
  }

  toString(): string {
    const size = `width="${this.#width}" height="${this.#height}" viewBox="0 ${this.#top} ${this.#width} ${this.#height}"`;
    const open = this.#stack.reduce((sum, style) => sum + style.groups, this.#groups);
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><title>${escapeXml(this.#title)}</title>${this.#body.join("")}${"</g>".repeat(open)}</svg>\n`;
  }

  #draw(attributes: string): void {
    if (this.#path.length > 0) this.#body.push(`<path d="${this.#path.join("")}" ${attributes}/>`);
  }

  #opacity(): string {
    return this.globalAlpha === 1 ? "" : ` opacity="${this.globalAlpha}"`;
  }
}

/** Hundredths of a pixel. */
function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** The view in the address: "#run=3fa9…&step=400&range=100-500&scale=loss:log". Whatever cannot be read is passed over. */
import { INITIAL_VIEW, type View, type ViewScale, type ViewState, type XRange } from "./view.ts";

const MAX_STEP = 0xffff_ffff;
const SCALES: readonly string[] = ["linear", "log", "symlog"] satisfies ViewScale[];

export function encodeViewState(state: ViewState): string {
  const parts: string[] = [];
  if (state.run !== null) parts.push(`run=${encodeURIComponent(state.run)}`);
  if (state.step !== null) parts.push(`step=${state.step}`);
  if (state.range.kind === "fixed") parts.push(`range=${state.range.from}-${state.range.to}`);
  if (state.range.kind === "trailing") parts.push(`range=last-${state.range.steps}`);
  const scales = Object.entries(state.scales);
  if (scales.length > 0) {
    parts.push(`scale=${scales.map(([panel, scale]) => `${encodeURIComponent(panel)}:${scale}`).join(",")}`);
  }
  return parts.length > 0 ? `#${parts.join("&")}` : "";
}

/** Never throws: an address is typed by people and cut by mail programs. */
export function decodeViewState(hash: string): ViewState {
  const fields = fieldsOf(hash);
  const run = decodeText(fields.get("run") ?? "");
  return {
    run: run !== null && /^[\w-]{1,64}$/.test(run) ? run : null,
    step: decodeStep(fields.get("step")),
    range: decodeRange(fields.get("range")),
    scales: decodeScales(fields.get("scale")),
  };
}

/** "#speed=4": replay at this speed, once the recording is here. Not part of the view, and gone from the address with the first change. */
export function decodeReplaySpeed(hash: string): number | null {
  const speed = Number(fieldsOf(hash).get("speed") ?? Number.NaN);
  return speed > 0 && Number.isFinite(speed) ? speed : null;
}

function fieldsOf(hash: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const equals = part.indexOf("=");
    if (equals > 0) fields.set(part.slice(0, equals), part.slice(equals + 1));
  }
  return fields;
}

function decodeStep(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return null;
  const step = Number(text);
  return step <= MAX_STEP ? step : null;
}

function decodeRange(text: string | undefined): XRange {
  const [first = "", second, ...rest] = (text ?? "").split("-");
  const to = decodeStep(second);
  if (to === null || rest.length > 0) return INITIAL_VIEW.range;
  if (first === "last") return to > 0 ? { kind: "trailing", steps: to } : INITIAL_VIEW.range;
  const from = decodeStep(first);
  return from !== null && from < to ? { kind: "fixed", from, to } : INITIAL_VIEW.range;
}

function decodeScales(text: string | undefined): Readonly<Record<string, ViewScale>> {
  const scales: [string, ViewScale][] = [];
  for (const entry of (text ?? "").split(",").slice(0, 64)) {
    const colon = entry.lastIndexOf(":");
    const panel = decodeText(entry.slice(0, Math.max(0, colon)));
    const scale = entry.slice(colon + 1);
    if (panel && SCALES.includes(scale)) scales.push([panel, scale as ViewScale]);
  }
  return Object.fromEntries(scales);
}

function decodeText(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export interface AddressBar {
  readonly hash: string;
  replace(hash: string): void;
  onChange(listener: () => void): () => void;
  setTimeout(callback: () => void, delayMs: number): number;
  clearTimeout(handle: number): void;
  now(): number;
}

/** Browsers refuse more than about 100 replaceState calls in 30 s. */
const WRITE_EVERY_MS = 250;

/** Keeps view and address equal: reads it now and on navigation, writes at most four times a second. Returns the release. */
export function bindAddress(view: View, bar: AddressBar = browserAddressBar()): () => void {
  let written = bar.hash;
  let lastWriteMs = Number.NEGATIVE_INFINITY;
  let timer: number | null = null;
  const write = (): void => {
    timer = null;
    const hash = encodeViewState(view.state);
    if (hash === written) return;
    written = hash;
    lastWriteMs = bar.now();
    bar.replace(hash);
  };
  view.restore(decodeViewState(bar.hash));
  const releases = [
    view.subscribe(() => {
      if (timer !== null || encodeViewState(view.state) === written) return;
      timer = bar.setTimeout(write, Math.max(0, lastWriteMs + WRITE_EVERY_MS - bar.now()));
    }),
    bar.onChange(() => {
      if (bar.hash === written) return;
      written = bar.hash;
      view.restore(decodeViewState(bar.hash));
    }),
  ];
  return () => {
    if (timer !== null) bar.clearTimeout(timer);
    for (const release of releases) release();
  };
}

export function browserAddressBar(): AddressBar {
  return {
    get hash() {
      return location.hash;
    },
    replace: (hash) => history.replaceState(history.state, "", hash || location.pathname + location.search),
    onChange: (listener) => {
      window.addEventListener("hashchange", listener);
      return () => window.removeEventListener("hashchange", listener);
    },
    setTimeout: (callback, delayMs) => window.setTimeout(callback, delayMs),
    clearTimeout: (handle) => window.clearTimeout(handle),
    now: () => performance.now(),
  };
}

/** What all panels look at: one cursor step and one x-range. Hover previews, click pins, scrubbing freezes the picture while data keeps arriving. */

/** Which steps are shown. `trailing` keeps its width and follows the head: a zoom that stays live. */
export type XRange =
  | { readonly kind: "all" }
  | { readonly kind: "fixed"; readonly from: number; readonly to: number }
  | { readonly kind: "trailing"; readonly steps: number };

export interface Cursor {
  readonly step: number;
  /** `live`: the newest step. `pinned`: chosen. `preview`: under the pointer, for as long as it stays. */
  readonly kind: "live" | "pinned" | "preview";
}

/** The part of the view that an address holds. */
export interface ViewState {
  readonly run: string | null;
  /** Pinned step; null follows the head. */
  readonly step: number | null;
  readonly range: XRange;
  /** Scale chosen by a person, by panel id. */
  readonly scales: Readonly<Record<string, ViewScale>>;
}

export type ViewScale = "linear" | "log" | "symlog";

export const INITIAL_VIEW: ViewState = { run: null, step: null, range: { kind: "all" }, scales: {} };

export class View {
  #state: ViewState;
  #preview: number | null = null;
  #first = 0;
  #head = -1;
  #frozenHead: number | null = null;
  #plannedSteps = 0;
  readonly #listeners = new Set<() => void>();

  constructor(state: ViewState = INITIAL_VIEW) {
    this.#state = state;
  }

  get state(): ViewState {
    return this.#state;
  }

  /** The cursor of every panel; null before the first sample. */
  get cursor(): Cursor | null {
    if (this.#head < 0) return null;
    if (this.#preview !== null) return { step: this.#preview, kind: "preview" };
    if (this.#state.step !== null) return { step: Math.min(this.#state.step, this.#head), kind: "pinned" };
    return { step: this.#shownHead, kind: "live" };
  }

  /** Does the cursor follow the head? */
  get isLive(): boolean {
    return this.#state.step === null && this.#frozenHead === null;
  }

  get isFrozen(): boolean {
    return this.#frozenHead !== null;
  }

  /** Step at which the session begins: 0, or where it was forked. */
  get first(): number {
    return this.#first;
  }

  /** Newest step held, frozen or not. */
  get head(): number {
    return this.#head;
  }

  /** Steps that arrived since the picture was frozen or the cursor pinned: "+ 1,204 new". */
  get newSteps(): number {
    return this.#frozenHead === null ? 0 : this.#head - this.#frozenHead;
  }

  /** Steps on every x axis. The end of a growing run is rounded up, so that axes hop rather than crawl. */
  get domain(): readonly [from: number, to: number] {
    const head = Math.max(this.#first + 1, this.#shownHead);
    const { range } = this.#state;
    if (range.kind === "fixed") return [range.from, range.to];
    if (range.kind === "all") return this.extent;
    const hop = roundHop(range.steps / 20);
    const to = Math.max(this.#first + range.steps, Math.ceil(head / hop) * hop);
    return [to - range.steps, to];
  }

  /** Everything there is to look at: from the first step to the head, rounded up, at most the planned end. */
  get extent(): readonly [number, number] {
    const head = Math.max(this.#first + 1, this.#shownHead);
    const hop = roundHop((head - this.#first) / 6);
    const rounded = Math.ceil(head / hop) * hop;
    return [this.#first, this.#plannedSteps >= head ? Math.min(rounded, this.#plannedSteps) : rounded];
  }

  /** Calls back after each change; returns the release. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The data have grown to this step. */
  setHead(head: number, plannedSteps = this.#plannedSteps): void {
    if (head === this.#head && plannedSteps === this.#plannedSteps) return;
    this.#head = head;
    this.#plannedSteps = plannedSteps;
    this.#changed();
  }

  /** Another run: same scales, everything else from the start. */
  reset(run: string | null, first = 0): void {
    this.#preview = null;
    this.#first = first;
    this.#head = -1;
    this.#frozenHead = null;
    this.#plannedSteps = 0;
    const kept =
      this.#state.run === null || this.#state.run === run
        ? this.#state
        : { ...INITIAL_VIEW, scales: this.#state.scales };
    this.#set({ ...kept, run });
  }

  preview(step: number | null): void {
    const next = step === null ? null : this.#clamp(step);
    if (next === this.#preview) return;
    this.#preview = next;
    this.#changed();
  }

  pin(step: number): void {
    this.#set({ ...this.#state, step: this.#clamp(step) });
  }

  /** Moves the cursor by some steps from where it is, and pins it. */
  move(steps: number): void {
    const { cursor } = this;
    if (cursor) this.pin(cursor.step + steps);
  }

  /** LIVE: follow the head again. */
  follow(): void {
    this.#preview = null;
    this.#frozenHead = null;
    if (this.#state.range.kind === "fixed") {
      const { from, to } = this.#state.range;
      this.#set({ ...this.#state, step: null, range: { kind: "trailing", steps: Math.max(1, to - from) } });
      return;
    }
    this.#set({ ...this.#state, step: null });
  }

  setRange(range: XRange): void {
    if (range.kind === "fixed") {
      const from = Math.max(this.#first, Math.floor(Math.min(range.from, range.to)));
      this.#set({
        ...this.#state,
        range: { kind: "fixed", from, to: Math.max(from + 1, Math.ceil(Math.max(range.from, range.to))) },
      });
      return;
    }
    this.#set({ ...this.#state, range });
  }

  /** Scales the range about a step (the cursor, or the middle): 0.5 zooms in. */
  zoom(factor: number, about?: number): void {
    const [from, to] = this.domain;
    const centre = about ?? Math.min(to, Math.max(from, this.cursor?.step ?? (from + to) / 2));
    const next: readonly [number, number] = [
      centre - (centre - from) * factor,
      centre + (to - centre) * factor,
    ];
    if (next[0] <= this.#first && next[1] >= this.extent[1]) this.setRange({ kind: "all" });
    else
      this.setRange({
        kind: "fixed",
        from: next[0],
        to: Math.min(next[1], Math.max(this.extent[1], next[0] + 2)),
      });
  }

  setScale(panel: string, scale: ViewScale | null): void {
    const scales = { ...this.#state.scales };
    if (scale === null) delete scales[panel];
    else scales[panel] = scale;
    this.#set({ ...this.#state, scales });
  }

  /** The picture holds still; data keep arriving. */
  freeze(): void {
    if (this.#frozenHead !== null || this.#head < 0) return;
    this.#frozenHead = this.#head;
    this.#changed();
  }

  thaw(): void {
    if (this.#frozenHead === null) return;
    this.#frozenHead = null;
    this.#changed();
  }

  /** Takes over what an address says. */
  restore(state: ViewState): void {
    this.#set(state);
  }

  get #shownHead(): number {
    return this.#frozenHead ?? this.#head;
  }

  #clamp(step: number): number {
    return Math.max(this.#first, Math.min(Math.round(step), this.#head));
  }

  #set(state: ViewState): void {
    this.#state = state;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The next of 1, 2, 5, 10, 20, … at or above a span in steps. */
function roundHop(span: number): number {
  if (span <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(span));
  for (const factor of [1, 2, 5]) if (factor * power >= span) return factor * power;
  return 10 * power;
}

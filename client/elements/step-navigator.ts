/** Moves the cursor and the range: by keys, by the bar below, by pointers on charts. */
import type { SessionStore } from "../data/session-store.ts";
import type { NavigationKey } from "./keyboard.ts";
import type { PlaybackCommand } from "./playback-bar.ts";

/** What "the next measurement" means: the first of these that the session has. */
const MEASURED = [
  ["hessian/eigenvalues", "top.0.value"],
  ["line/profile", "drawUp"],
] as const;

export class StepNavigator {
  readonly #store: SessionStore;
  /** Pinned step before each of the last two presses, the newest first. */
  #pressedAt: readonly (number | null)[] = [];

  constructor(store: SessionStore) {
    this.#store = store;
  }

  playback(command: PlaybackCommand): void {
    const { view } = this.#store;
    switch (command.kind) {
      case "play":
        this.#store.playback.play();
        return;
      case "pause":
        this.#store.playback.pause();
        return;
      case "live":
        this.#live();
        return;
      case "measured":
        this.#toMeasured(command.direction);
        return;
      case "speed":
        this.#store.playback.setSpeed(command.speed);
        return;
      case "range":
        this.setRange(command.range);
        return;
      case "scrub":
        if (command.phase === "start") view.freeze();
        view.pin(command.step);
        if (command.phase === "end") view.thaw();
    }
  }

  /** Call it before a press of the pointer means anything. */
  pressed(): void {
    this.#pressedAt = [this.#store.view.state.step, ...this.#pressedAt.slice(0, 1)];
  }

  /** null, on a double click, shows everything: the cursor goes back to where its two presses found it. */
  setRange(range: readonly [from: number, to: number] | null): void {
    const { view } = this.#store;
    const [, step = view.state.step] = this.#pressedAt;
    if (range === null) view.restore({ ...view.state, step, range: { kind: "all" } });
    else view.setRange({ kind: "fixed", from: range[0], to: range[1] });
  }

  press(action: NavigationKey): void {
    const { view } = this.#store;
    const [from, to] = view.domain;
    const at = view.cursor?.step ?? 0;
    switch (action.kind) {
      case "move":
        view.preview(null);
        view.move(action.steps);
        return;
      case "measured":
        this.#toMeasured(action.direction);
        return;
      case "first":
        view.pin(view.first);
        return;
      case "live":
        this.#live();
        return;
      case "freeze-or-play":
        this.#freezeOrPlay();
        return;
      case "range-from":
        if (at < to) this.setRange([at, to]);
        return;
      case "range-to":
        if (at > from) this.setRange([from, at]);
        return;
      case "range-all":
        view.setRange({ kind: "all" });
        return;
      case "zoom":
        view.zoom(action.factor);
        return;
    }
  }

  #live(): void {
    this.#store.playback.pause();
    if (this.#store.isLive) this.#store.view.follow();
    else this.#store.view.pin(this.#store.view.head);
  }

  #freezeOrPlay(): void {
    const { view, playback, isLive } = this.#store;
    if (playback.isPlaying) playback.pause();
    else if (view.isFrozen) view.thaw();
    else if (isLive && view.isLive) view.freeze();
    else playback.play();
  }

  #toMeasured(direction: -1 | 1): void {
    const { view, history } = this.#store;
    const at = view.cursor?.step ?? 0;
    for (const [channel, path] of MEASURED) {
      const series = history.series(channel, path);
      if (series === undefined || series.length === 0) continue;
      const index = direction > 0 ? series.lowerBound(at + 1) : series.lowerBound(at) - 1;
      if (index < 0 || index >= series.length) return;
      view.preview(null);
      view.pin(series.stepAt(index));
      return;
    }
  }
}

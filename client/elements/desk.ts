/** Everything a dashboard holds that is not an element: the line, the session, the view on it, and what is asked over HTTP. */
import type { SessionSummary } from "../../shared/header.ts";
import type { PresetSummary } from "../../shared/http.ts";
import type { ControlAction } from "../../shared/protocol.ts";
import type { Verdict } from "../../shared/verdicts.ts";
import { Connection } from "../connection/connection.ts";
import type { History } from "../data/history.ts";
import { SessionStore } from "../data/session-store.ts";
import { View } from "../data/view.ts";
import { bindAddress, decodeReplaySpeed } from "../data/view-address.ts";
import { panelsFor } from "../panels/index.ts";
import type { Panel, Scene } from "../panels/panel.ts";
import type { ForkDetail } from "./fork-form.ts";
import type { PlaybackState } from "./playback-bar.ts";
import { playbackStateOf, sceneOf, standingOf } from "./scene-of.ts";
import { type Door, ServerApi } from "./server-api.ts";
import type { Standing } from "./session-bar.ts";
import type { SessionWish } from "./session-list.ts";
import { SessionWishes } from "./session-wishes.ts";
import { StepNavigator } from "./step-navigator.ts";
import { VerdictFeed } from "./verdict-feed.ts";

export interface DeskOptions {
  /** "http://127.0.0.1:6047" */
  readonly origin: string;
  readonly token?: string;
  /** Keep view and address bar equal: the dashboard is the page. */
  readonly ownsAddress: boolean;
}

const LIST_EVERY_MS = 5_000;

export class Desk {
  readonly api: ServerApi;
  readonly connection: Connection;
  readonly store: SessionStore;
  readonly view = new View();
  readonly navigator: StepNavigator;
  sessions: readonly SessionSummary[] = [];
  presets: readonly PresetSummary[] = [];
  /** Asked when the line breaks: a browser does not say why. */
  door: Door = "open";
  /** Name of the preset, or of what else is being started. */
  starting: string | null = null;
  /** Of the last thing asked for that was refused. */
  complaint: string | null = null;
  readonly wishes: SessionWishes;
  #feed: { readonly history: History; readonly feed: VerdictFeed } | null = null;
  #panels: { readonly session: object; readonly panels: readonly Panel[] } | null = null;
  #newestMs: number | null = null;
  #sampleCount = 0;
  #isAskingDoor = false;
  #wasConnected = false;
  /** Speed at which the address asked for a replay that has not begun yet. */
  #replaySpeed: number | null = null;
  readonly #changed: () => void;
  readonly #releases: (() => void)[] = [];

  /** @param changed  called after anything has; draw in the next frame. */
  constructor({ origin, token, ownsAddress }: DeskOptions, changed: () => void) {
    this.#changed = changed;
    this.api = new ServerApi(origin, token);
    this.wishes = new SessionWishes(this.api);
    if (ownsAddress) {
      this.#replaySpeed = decodeReplaySpeed(location.hash);
      this.#releases.push(bindAddress(this.view));
    }
    this.connection = new Connection({ url: this.api.socketUrl, ...(token === undefined ? {} : { token }) });
    this.store = new SessionStore(this.connection, this.view);
    this.navigator = new StepNavigator(this.store);
    const timer = setInterval(() => void this.list(), LIST_EVERY_MS);
    this.#releases.push(
      this.connection.onLink(() => this.#onLink()),
      this.store.subscribe(() => this.#onStore()),
      this.store.playback.subscribe(changed),
      this.view.subscribe(() => this.#onView()),
      () => clearInterval(timer),
    );
    void this.store.open(this.view.state.run);
    void this.#askPresets();
  }

  close(): void {
    for (const release of this.#releases) release();
    this.store.close();
    this.connection.close();
  }

  /** Asks again which sessions there are; nothing changes while the line is down. */
  async list(): Promise<void> {
    if (this.connection.link.status !== "connected" || document.hidden) return;
    try {
      this.sessions = await this.connection.list();
      this.#changed();
    } catch {
      // The line broke meanwhile; the badge says so.
    }
  }

  open(session: string | null): void {
    this.complaint = null;
    if (session !== null) this.view.reset(session);
    void this.store.open(session).then(() => this.list());
  }

  start(preset: string): Promise<void> {
    return this.#start(preset, { preset });
  }

  /** Trains on from a step of the session on screen. */
  async fork(detail: ForkDetail): Promise<void> {
    const { header } = this.store;
    if (header !== null) await this.#start("The fork", { fork: header.id, ...detail });
  }

  /** @param name  for the sentence that says that it was refused. */
  async #start(name: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
    this.starting = name;
    this.complaint = null;
    this.#changed();
    const started = await this.api.start(settings);
    this.starting = null;
    if ("id" in started) this.open(started.id);
    else this.complaint = `${name} was not started. ${started.message}`;
    this.#changed();
  }

  async control(action: ControlAction): Promise<void> {
    this.complaint = null;
    try {
      await this.store.control(action);
    } catch (error) {
      this.complaint = error instanceof Error ? error.message : String(error);
    }
    this.#changed();
  }

  async grant(wish: SessionWish): Promise<void> {
    if (wish.kind === "open") {
      this.wishes.complaint = null;
      return this.open(wish.id);
    }
    const isGranted = await this.wishes.grant(wish);
    if (isGranted && wish.kind === "delete" && wish.id === this.store.header?.id) this.open(null);
    await this.list();
    this.#changed();
  }

  forgetComplaint(): void {
    this.complaint = null;
    this.#changed();
  }

  get mayControl(): boolean {
    return this.connection.welcome?.scopes.includes("control") ?? false;
  }

  get mayStart(): boolean {
    return this.presets.length > 0 && this.mayControl;
  }

  /** As the list has it: a title may change while a session is on screen. */
  get title(): string {
    const { header } = this.store;
    return this.sessions.find(({ id }) => id === header?.id)?.name ?? header?.name ?? "";
  }

  /** A live run that is not the one on screen, once that one has ended. */
  get newcomer(): SessionSummary | null {
    if (this.store.isLive) return null;
    return this.sessions.find(({ live, id }) => live && id !== this.store.header?.id) ?? null;
  }

  get scene(): Scene | null {
    return sceneOf(this.store);
  }

  get panels(): readonly Panel[] {
    const { session } = this.store;
    if (session === null) return [];
    if (this.#panels?.session !== session) this.#panels = { session, panels: panelsFor(session.channels) };
    return this.#panels.panels;
  }

  get verdicts(): readonly Verdict[] {
    return this.#feed?.feed.verdicts(this.store.state) ?? [];
  }

  get standing(): Standing | null {
    return standingOf(this.store, this.#newestMs);
  }

  get playbackState(): PlaybackState {
    return playbackStateOf(this.store);
  }

  get learningRate(): number | null {
    return this.store.history.series("train/learning-rate")?.latest()?.value ?? null;
  }

  #onStore(): void {
    const { store } = this;
    const { history, header } = store;
    if (header !== null && this.#feed?.history !== history) {
      this.#feed = { history, feed: new VerdictFeed(header, history) };
      this.#sampleCount = 0;
      this.#newestMs = null;
    }
    this.#feed?.feed.drain();
    if (this.#replaySpeed !== null && store.phase === "complete") {
      store.playback.setSpeed(this.#replaySpeed);
      this.#replaySpeed = null;
      store.playback.play();
    }
    if (history.sampleCount !== this.#sampleCount) {
      this.#sampleCount = history.sampleCount;
      this.#newestMs = Date.now();
    }
    this.#changed();
  }

  #onView(): void {
    const { run } = this.view.state;
    const { header, phase } = this.store;
    // Back and forward in the browser may name another session.
    if (run !== null && header !== null && run !== header.id && phase !== "opening")
      void this.store.open(run);
    this.#changed();
  }

  #onLink(): void {
    const isConnected = this.connection.link.status === "connected";
    if (isConnected && !this.#wasConnected) {
      this.door = "open";
      void this.list();
      if (this.presets.length === 0) void this.#askPresets();
    }
    if (!isConnected && this.connection.link.status !== "connecting") void this.#askDoor();
    this.#wasConnected = isConnected;
    this.#changed();
  }

  async #askPresets(): Promise<void> {
    this.presets = await this.api.presets();
    this.#changed();
  }

  async #askDoor(): Promise<void> {
    if (this.#isAskingDoor) return;
    this.#isAskingDoor = true;
    this.door = await this.api.door();
    this.#isAskingDoor = false;
    this.#changed();
  }
}

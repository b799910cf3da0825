/** What the elements are given of a session, as it stands now. */
import type { History } from "../data/history.ts";
import type { SessionStore } from "../data/session-store.ts";
import type { Scene } from "../panels/panel.ts";
import type { PlaybackState } from "./playback-bar.ts";
import type { Standing } from "./session-bar.ts";

/** For panels and verdicts; null while no session is open. */
export function sceneOf(store: SessionStore): Scene | null {
  const { header, view } = store;
  if (header === null) return null;
  return {
    history: store.history,
    header,
    state: store.state,
    domain: view.domain,
    cursor: view.cursor,
    step: view.cursor?.step ?? -1,
    following: store.isLive && view.isLive && view.state.range.kind !== "fixed",
    playedTo: store.playback.playedTo,
    scales: view.state.scales,
  };
}

/** For the bar above. @param newestMs  when the newest sample came. */
export function standingOf(store: SessionStore, newestMs: number | null): Standing | null {
  const { header, history, view } = store;
  if (header === null) return null;
  const loss = (history.series("path/loss") ?? history.series("train/loss"))?.at(view.head) ?? null;
  const isConnected = store.connection.link.status === "connected";
  return {
    id: header.id,
    state: store.state,
    reason: store.reason,
    isLive: store.isLive,
    isLastKnown: store.isLive && !isConnected,
    step: view.head,
    steps: header.steps,
    loss,
    stepsPerSecond: store.isLive && isConnected && store.state === "running" ? stepsPerSecond(history) : null,
    overhead: history.series("run/overhead", "total")?.latest()?.value ?? null,
    newestMs,
    gapCount: history.gaps.length,
  };
}

/** For the bar below. */
export function playbackStateOf({ playback, isLive, view, connection }: SessionStore): PlaybackState {
  const at = view.cursor?.step ?? -1;
  return {
    isPlaying: playback.isPlaying,
    speed: playback.speed,
    isLive,
    isConnected: connection.link.status === "connected",
    isFollowing: view.isLive,
    newSteps: view.isLive ? 0 : Math.max(0, view.head - at),
    head: view.head,
    extent: view.extent,
  };
}

/** Speed is taken over this much of the newest past. */
const SPEED_OVER_MS = 2_000;

function stepsPerSecond({ timeline: rows }: History): number | null {
  if (!rows || rows.length < 2) return null;
  const last = rows.length - 1;
  const since = rows.wallTimesMs.at(last) - SPEED_OVER_MS;
  const first = Math.min(last - 1, rows.wallTimesMs.lowerBound(since));
  const elapsedMs = rows.wallTimesMs.at(last) - rows.wallTimesMs.at(first);
  return elapsedMs > 0 ? ((rows.steps.at(last) - rows.steps.at(first)) * 1000) / elapsedMs : null;
}

import { describe, expect, it } from "vitest";
import { History } from "../../../client/data/history.ts";
import { Playback } from "../../../client/data/playback.ts";
import { View } from "../../../client/data/view.ts";
import { descriptor } from "./descriptors.ts";

/** Steps at these wall times. */
function make(wallTimesMs: readonly number[], isLive = false) {
  const history = new History();
  history.describe([descriptor("train/loss")]);
  history.accept(
    wallTimesMs.map((wallTimeMs, step) => ({ seq: step, channel: "train/loss", step, wallTimeMs, value: 1 })),
  );
  const view = new View();
  view.setHead(history.headStep);
  const playback = new Playback(view, () => ({ history, isLive }));
  let nowMs = 5_000;
  const run = (ms: number, frameMs = 10): void => {
    for (const end = nowMs + ms; nowMs < end; ) {
      nowMs += frameMs;
      playback.tick(nowMs);
    }
  };
  playback.tick(nowMs);
  return { history, view, playback, run };
}

const EVERY_100_MS = Array.from({ length: 101 }, (_, step) => 1e12 + step * 100);

describe("Playback", () => {
  it("moves the cursor at the recorded pace, times the speed", () => {
    const { view, playback, run } = make(EVERY_100_MS);
    playback.play();
    run(10);
    expect(view.cursor).toEqual({ step: 0, kind: "pinned" });
    run(1_000);
    expect(view.cursor?.step).toBe(10);
    playback.setSpeed(4);
    run(1_000);
    expect(view.cursor?.step).toBe(50);
    expect(playback.playedTo).toBe(50);
  });

  it("stops at the end of a recording", () => {
    const { view, playback, run } = make(EVERY_100_MS);
    view.pin(90);
    playback.play();
    run(5_000);
    expect(playback.isPlaying).toBe(false);
    expect(view.cursor).toEqual({ step: 100, kind: "pinned" });
  });

  it("becomes live at the end of a session that goes on", () => {
    const { view, playback, run } = make(EVERY_100_MS, true);
    view.pin(90);
    playback.play();
    run(5_000);
    expect(playback.isPlaying).toBe(false);
    expect(view.cursor?.kind).toBe("live");
  });

  it("does not sit through the pauses of a recording", () => {
    const { view, playback, run } = make([0, 100, 3_600_000, 3_600_100]);
    playback.play();
    run(2_150);
    expect(view.cursor?.step).toBe(2);
  });

  it("goes on from where somebody moves the cursor, and stops when they go live", () => {
    const { view, playback, run } = make(EVERY_100_MS);
    playback.play();
    run(500);
    view.pin(70);
    run(500);
    expect(view.cursor?.step).toBe(75);
    view.follow();
    run(100);
    expect(playback.isPlaying).toBe(false);
    expect(view.cursor?.kind).toBe("live");
  });

  it("does not make up for the time a tab was hidden", () => {
    const { view, playback, run } = make(EVERY_100_MS);
    playback.play();
    run(10);
    run(60_000, 60_000);
    expect(view.cursor?.step).toBeLessThan(5);
  });

  it("refuses a speed that is none", () => {
    const { playback } = make(EVERY_100_MS);
    expect(() => playback.setSpeed(0)).toThrow(RangeError);
    expect(() => playback.setSpeed(Number.NaN)).toThrow("speed: expected > 0, got NaN");
  });
});

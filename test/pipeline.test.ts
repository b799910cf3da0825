import { map, Observable, Subject, type Subscriber } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { pipeline } from "../server/pipeline.ts";
import type { StreamDefinition } from "../server/streams/define.ts";
import { createModes } from "../server/streams/modes.ts";
import type { Run, Step } from "../server/training/run.ts";
import type { Sample } from "../shared/stream.ts";

function stream(name: string, derive: (step: Step) => unknown): StreamDefinition {
  return {
    descriptor: {
      name,
      title: name,
      about: name,
      unit: "1",
      encoding: "json",
      heavy: false,
      on: "theta",
      needs: "theta",
      cadence: { kind: "step" },
      fields: [],
    },
    role: () => "geometry",
    scheduleKey: null,
    applies: () => true,
    derive: () => map((step) => ({ channel: name, step: step.step, value: derive(step) })),
  };
}

const context = () => ({ run: {} as Run, every: 1, modes: createModes(), everyOf: () => 1 });
const step = (t: number) => ({ step: t }) as Step;

describe("the page", () => {
  it("gives each step to every stream before the next begins, from one subscription", () => {
    let subscriptions = 0;
    const steps$ = new Observable<Step>((subscriber) => {
      subscriptions++;
      for (const t of [0, 1]) subscriber.next(step(t));
      subscriber.complete();
    });
    const seen: string[] = [];
    pipeline(
      steps$,
      [stream("a/x", ({ step: t }) => t), stream("b/y", ({ step: t }) => -t)],
      context,
    ).subscribe({
      next: ({ channel, step: t }) => seen.push(`${channel}@${t}`),
      complete: () => seen.push("end"),
    });
    expect(seen).toEqual(["a/x@0", "b/y@0", "a/x@1", "b/y@1", "end"]);
    expect(subscriptions).toBe(1);
  });

  it("lets a stream that throws end alone, and says so with its name and step", () => {
    const steps$ = new Subject<Step>();
    const samples: Sample[] = [];
    const fails = stream("a/fails", ({ step: t }) => {
      if (t === 1) throw new RangeError("no");
      return t;
    });
    pipeline(steps$, [fails, stream("b/works", ({ step: t }) => t)], context).subscribe((sample) =>
      samples.push(sample),
    );
    for (const t of [0, 1, 2]) steps$.next(step(t));
    expect(samples.map(({ channel, step: t }) => `${channel}@${t}`)).toEqual([
      "a/fails@0",
      "b/works@0",
      "run/status@1",
      "b/works@1",
      "b/works@2",
    ]);
    expect(samples[2]?.value).toEqual({
      level: "error",
      code: "stream-failed",
      message: "a/fails ended at step 1: no",
      stream: "a/fails",
    });
  });

  it("counts the time of each stream's work, and not what it waits for a direction", () => {
    let nowMs = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => nowMs);
    const modes = { ...createModes(), waitedMs: 0 };
    const waits = stream("a/waits", () => {
      nowMs += 100;
      modes.waitedMs += 70;
    });
    const works = stream("b/works", () => {
      nowMs += 5;
    });
    const busyMs = {};
    const steps$ = new Subject<Step>();
    const running = pipeline(steps$, [waits, works], () => ({ ...context(), modes }), busyMs).subscribe();
    steps$.next(step(0));
    steps$.next(step(1));
    running.unsubscribe();
    clock.mockRestore();
    expect(busyMs).toEqual({ "a/waits": 60, "b/works": 10 });
  });

  it("passes an error of training on once, not once a stream", () => {
    const steps$ = new Subject<Step>();
    const errors: unknown[] = [];
    const samples: Sample[] = [];
    pipeline(steps$, [stream("a/x", () => 1), stream("b/y", () => 2)], context).subscribe({
      next: (sample) => samples.push(sample),
      error: (cause) => errors.push(cause),
    });
    steps$.next(step(0));
    steps$.error(new Error("training broke"));
    expect(errors).toEqual([new Error("training broke")]);
    expect(samples.map(({ channel }) => channel)).toEqual(["a/x", "b/y"]);
  });

  it("stops training when it is unsubscribed from", () => {
    let producer: Subscriber<Step> | undefined;
    let stopped = false;
    const steps$ = new Observable<Step>((subscriber) => {
      producer = subscriber;
      return () => {
        stopped = true;
      };
    });
    const subscription = pipeline(steps$, [stream("a/x", () => 1)], context).subscribe();
    producer?.next(step(0));
    expect(stopped).toBe(false);
    subscription.unsubscribe();
    expect(stopped).toBe(true);
  });

  it("counts how long each stream was busy", () => {
    const steps$ = new Subject<Step>();
    const busyMs: Record<string, number> = {};
    const spins = stream("a/spins", () => {
      const began = performance.now();
      while (performance.now() - began < 2);
    });
    pipeline(steps$, [spins, stream("b/idle", () => 0)], context, busyMs).subscribe();
    for (const t of [0, 1, 2]) steps$.next(step(t));
    expect(busyMs["a/spins"]).toBeGreaterThanOrEqual(6);
    expect(busyMs["b/idle"]).toBeLessThan(busyMs["a/spins"] ?? 0);
  });
});

import { NEVER, Subject, throwError } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, it } from "vitest";
import { derived, scheduled } from "../../server/streams/derived.ts";
import type { Step } from "../../server/training/run.ts";
import type { Sample } from "../../shared/stream.ts";
import { makeStep, samplesOf, stepsAlong } from "../support/make-steps.ts";

const marbles = () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
const dots = (count: number) => Array.from({ length: count }, () => [0]);

describe("a derived stream", () => {
  it("emits within the step, skips steps without a value, completes and unsubscribes with its source", () => {
    marbles().run(({ cold, expectObservable, expectSubscriptions }) => {
      const [a, b, c] = stepsAlong(dots(3)) as [Step, Step, Step];
      const steps$ = cold("-a-b-c-|", { a, b, c });
      const even$ = steps$.pipe(
        derived(
          "x/even",
          () =>
            ({ step }) =>
              step % 2 === 0 ? step * 10 : undefined,
        ),
      );
      expectObservable(even$).toBe("-A---C-|", {
        A: { channel: "x/even", step: 0, value: 0 },
        C: { channel: "x/even", step: 2, value: 20 },
      });
      expectSubscriptions(steps$.subscriptions).toBe("^------!");
    });
  });

  it("stops its source when it is unsubscribed, and disposes once", () => {
    marbles().run(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const steps$ = cold(
        "a-b-c-d",
        Object.fromEntries([..."abcd"].map((name, i) => [name, makeStep(i, [0])])),
      );
      let disposed = 0;
      const step$ = steps$.pipe(
        derived(
          "x/step",
          () =>
            ({ step }) =>
              step,
          () => disposed++,
        ),
      );
      expectObservable(step$, "^---!").toBe("a-b--", {
        a: { channel: "x/step", step: 0, value: 0 },
        b: { channel: "x/step", step: 1, value: 1 },
      });
      expectSubscriptions(steps$.subscriptions).toBe("^---!");
      flush();
      expect(disposed).toBe(1);
    });
  });

  it("passes on what a measurement throws, and what the source does", () => {
    const seen: unknown[] = [];
    const observer = { error: (cause: Error) => seen.push(cause.message) };
    const failing = derived("x/fails", () => () => {
      throw new Error("no memory");
    });
    const steps$ = new Subject<Step>();
    steps$.pipe(failing).subscribe(observer);
    steps$.next(makeStep(0, [0]));
    expect(steps$.observed).toBe(false);
    throwError(() => new Error("lost"))
      .pipe(derived("x/fine", () => () => 1))
      .subscribe(observer);
    expect(seen).toEqual(["no memory", "lost"]);
  });

  it("has a state of its own for each subscription", async () => {
    const counting = derived("x/count", () => {
      let count = 0;
      return () => ++count;
    });
    const values = (samples: Sample<number>[]) => samples.map(({ value }) => value);
    expect(values(await samplesOf(stepsAlong(dots(3)), counting))).toEqual([1, 2, 3]);
    expect(values(await samplesOf(stepsAlong(dots(3)), counting))).toEqual([1, 2, 3]);
  });
});

describe("a scheduled stream", () => {
  const stepsOf = async (every: number, steps: Step[], channel?: number) => {
    const schedule = channel === undefined ? { every } : { every, channel };
    const samples = await samplesOf(
      steps,
      scheduled(
        "x/step",
        schedule,
        () =>
          ({ step }) =>
            step,
      ),
    );
    return samples.map(({ step }) => step);
  };

  it("measures 0, powers of two below k, multiples of k and the last step", async () => {
    expect(await stepsOf(10, stepsAlong(dots(34)))).toEqual([0, 1, 2, 4, 8, 10, 20, 30, 33]);
  });

  it("measures a step that demands it, and not one that demands another stream", async () => {
    const steps = stepsAlong(dots(30)).map((step) =>
      step.step === 13 ? { ...step, demanded: 7 } : step.step === 15 ? { ...step, demanded: 6 } : step,
    );
    expect(await stepsOf(10, steps, 7)).toEqual([0, 1, 2, 4, 8, 10, 13, 20, 29]);
  });

  it("refuses an interval that is no positive integer, before anything is subscribed", () => {
    expect(() => NEVER.pipe(scheduled("x/y", { every: 0 }, () => () => 1))).toThrow(
      "every: expected a positive integer, got 0",
    );
  });
});

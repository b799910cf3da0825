import { filter, lastValueFrom, map, pairwise, takeUntil, takeWhile, tap } from "rxjs";
import type { Training } from "./run.ts";

/**
 * Bare steps from the run's start, for about this long and never more of them than the run has. Subscribing is all it takes; a run that ends or diverges
 * meanwhile is begun again, and leaves nothing behind.
 * @param onStep  with the times in milliseconds at which the step before was emitted, and it.
 */
export async function trySteps(
  createTrial: () => Training,
  forMs: number,
  onStep: (beforeMs: number, nowMs: number) => void,
): Promise<void> {
  let steps = 0;
  let mostSteps = 0;
  const untilMs = performance.now() + forMs;
  do {
    const { steps$, state$, lastStep, facts } = createTrial();
    mostSteps = lastStep - (facts.fork?.step ?? 0);
    const marks$ = steps$.pipe(
      takeUntil(state$.pipe(filter(({ state }) => state === "diverged"))),
      map(() => performance.now()),
      takeWhile((nowMs) => nowMs < untilMs, true),
      pairwise(),
      tap(([beforeMs, nowMs]) => {
        steps += 1;
        onStep(beforeMs, nowMs);
      }),
    );
    await lastValueFrom(marks$, { defaultValue: null });
  } while (performance.now() < untilMs && steps < mostSteps);
}

/** Mean period of {@link trySteps} in milliseconds; null where there was not one step after the first. */
export async function meanStepMs(createTrial: () => Training, forMs: number): Promise<number | null> {
  const periods: number[] = [];
  await trySteps(createTrial, forMs, (beforeMs, nowMs) => periods.push(nowMs - beforeMs));
  // What was timed first only warmed up.
  const warm = periods.slice(periods.length >> 2);
  return warm.length === 0 ? null : warm.reduce((sum, periodMs) => sum + periodMs, 0) / warm.length;
}

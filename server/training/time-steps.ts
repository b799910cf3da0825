import { filter, lastValueFrom, map, pairwise, takeUntil, takeWhile, tap } from "rxjs";
import type { Training } from "./run.ts";

/**
 * Mean period of bare steps from θ₀ in milliseconds, over about this long and never more steps than the run has. Subscribing is all it takes;
 * a run that ends or diverges meanwhile is begun again, and leaves nothing behind. Null where there was not one step after the first.
 */
export async function meanStepMs(createTrial: () => Training, forMs: number): Promise<number | null> {
  const periods: number[] = [];
  let mostSteps = 0;
  const untilMs = performance.now() + forMs;
  do {
    const { steps$, state$, lastStep } = createTrial();
    mostSteps = lastStep;
    const marks$ = steps$.pipe(
      takeUntil(state$.pipe(filter(({ state }) => state === "diverged"))),
      map(() => performance.now()),
      takeWhile((nowMs) => nowMs < untilMs, true),
      pairwise(),
      tap(([beforeMs, nowMs]) => periods.push(nowMs - beforeMs)),
    );
    await lastValueFrom(marks$, { defaultValue: null });
  } while (performance.now() < untilMs && periods.length < mostSteps);
  // What was timed first only warmed up.
  const warm = periods.slice(periods.length >> 2);
  return warm.length === 0 ? null : warm.reduce((sum, periodMs) => sum + periodMs, 0) / warm.length;
}

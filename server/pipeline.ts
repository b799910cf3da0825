/** The page: train → derive → contain. The same in every thread, in a script of one's own, and one day in a browser. */
import { catchError, connect, EMPTY, ignoreElements, merge, Observable, of } from "rxjs";
import { whole } from "../shared/number-words.ts";
import type { RunStatus } from "../shared/readings.ts";
import type { Sample } from "../shared/stream.ts";
import type { StreamContext, StreamDefinition } from "./streams/define.ts";
import type { Step } from "./training/run.ts";

/** Milliseconds that each stream has been busy, by name: without what it waited for a direction from another thread. */
export type BusyMs = Record<string, number>;

/**
 * One training loop, however many streams: each step reaches all of them before the next begins.
 * Subscribing starts `steps$`, unsubscribing stops it.
 *
 * A stream that fails ends alone and says so in a `run/status` sample; an error of `steps$` itself is passed on, once.
 *
 * @param contextOf  asked once for each stream, at subscription.
 * @param busyMs  added to.
 */
export function pipeline(
  steps$: Observable<Step>,
  streams: readonly StreamDefinition[],
  contextOf: (stream: StreamDefinition) => StreamContext,
  busyMs: BusyMs = {},
): Observable<Sample> {
  return steps$.pipe(
    connect((shared$) => {
      const quiet$ = shared$.pipe(catchError(() => EMPTY));
      return merge(
        ...streams.map((stream) => contained(stream, contextOf(stream), quiet$, busyMs)),
        shared$.pipe(ignoreElements()),
      );
    }),
  );
}

function contained(
  stream: StreamDefinition,
  context: StreamContext,
  steps$: Observable<Step>,
  busyMs: BusyMs,
): Observable<Sample> {
  const { name } = stream.descriptor;
  let newest = 0;
  const timed$ = new Observable<Step>((subscriber) =>
    steps$.subscribe({
      next(step) {
        newest = step.step;
        const idle = context.modes.waitedMs;
        const began = performance.now();
        subscriber.next(step); // streams work inside `next`: its time is theirs
        const elapsed = performance.now() - began;
        busyMs[name] = (busyMs[name] ?? 0) + elapsed - (context.modes.waitedMs - idle);
      },
      error: (cause: unknown) => subscriber.error(cause),
      complete: () => subscriber.complete(),
    }),
  );
  return timed$.pipe(
    stream.derive(context),
    catchError((cause: unknown) => of(failure(name, newest, cause))),
  );
}

function failure(stream: string, step: number, cause: unknown): Sample<RunStatus> {
  const why = cause instanceof Error ? cause.message : String(cause);
  return {
    channel: "run/status",
    step,
    value: {
      level: "error",
      code: "stream-failed",
      message: `${stream} ended at step ${whole(step)}: ${why}`,
      stream,
    },
  };
}

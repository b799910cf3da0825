/** What `run/status` tells of a run that decides how its other streams are to be read. */
import type { Rates } from "./rates.ts";

export interface Happenings {
  /** Streams of which somebody asked for a measurement beside the schedule. */
  readonly demanded: ReadonlySet<string>;
  /** Streams that failed, after which they have no samples. */
  readonly failed: ReadonlySet<string>;
  hear(
    step: number,
    status: { readonly code: string; readonly message: string; readonly stream?: string | undefined },
  ): void;
}

export function createHappenings(rates: Rates): Happenings {
  const demanded = new Set<string>();
  const failed = new Set<string>();
  return {
    demanded,
    failed,
    hear(step, { code, message, stream }) {
      if (code === "control-set") rates.set(step, Number(/set to (\S+)$/.exec(message)?.[1]));
      if (code === "control-measure") demanded.add(/^measurement of (\S+) /.exec(message)?.[1] ?? "");
      if (code === "stream-failed" && stream !== undefined) failed.add(stream);
    },
  };
}

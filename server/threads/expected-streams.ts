/** Names of streams in a run's settings: each must be one. */
import type { StreamDefinition } from "../streams/define.ts";
import { streams } from "../streams/index.ts";
import type { RunConfig } from "../training/config.ts";
import { nearestName } from "../training/nearest-name.ts";
import { UserError } from "../training/user-error.ts";

/**
 * An interval of nothing, or nothing left out, is a slip of the pen: what was meant would be measured all the same.
 * @throws {UserError} `settings` with one line for each slip.
 */
export function expectStreams({ every, without }: Pick<RunConfig, "every" | "without">): void {
  const scheduled = streams.filter(({ scheduleKey }) => scheduleKey !== null);
  const measured = streams.filter(({ descriptor }) => !isTraining(descriptor.name));
  const problems = [
    ...slips("every", Object.keys(every), scheduled, "a stream that is measured under one of these"),
    ...slips("without", without, measured, "a stream beside the training's own"),
  ];
  if (problems.length > 0) throw new UserError("settings", problems.join("\n"));
}

/** θ, the loss, and what training says of itself: a session without them is none. */
function isTraining(name: string): boolean {
  return name.startsWith("train/") || name.startsWith("run/");
}

function slips(
  setting: string,
  given: readonly string[],
  possible: readonly StreamDefinition[],
  orElse: string,
): string[] {
  const keys = new Set(possible.flatMap(({ scheduleKey }) => scheduleKey ?? []));
  const known = new Set([...keys, ...possible.map(({ descriptor }) => descriptor.name)]);
  return given
    .filter((name) => !known.has(name))
    .map((name) => {
      const meant = nearestName(name, known);
      return (
        `${setting}: expected one of ${[...keys].join(", ")}, or ${orElse}, got "${name}"` +
        (meant === null ? "" : `; did you mean ${meant}?`)
      );
    });
}

/** Settings from outside (flags, a config file, an HTTP body), judged key by key. */
import { RunSettings } from "./config.ts";
import { nearestName } from "./nearest-name.ts";
import { flagName, SETTING_FLAGS } from "./settings-flags.ts";

export type ParsedSettings =
  | { readonly ok: true; readonly settings: RunSettings }
  | { readonly ok: false; readonly problems: readonly string[] };

const STREAM_OR_SCHEDULE = /^[a-z][a-z-]*(\/[a-z][a-z-]*)?$/;

/** Every problem is one line that names the setting, what was expected and what came. */
export function parseSettings(input: unknown): ParsedSettings {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return { ok: false, problems: [`settings: expected an object, got ${shown(input)}`] };
  }
  const problems = Object.entries(input).flatMap(([key, value]) => problemsOf(key, value));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, settings: RunSettings.parse(input) };
}

function problemsOf(key: string, value: unknown): string[] {
  const known = SETTING_FLAGS.find((each) => each.key === key);
  if (known === undefined) {
    const meant = nearestName(
      key,
      SETTING_FLAGS.map((each) => each.key),
    );
    return [`${key}: unknown setting${meant === null ? "" : `; did you mean ${meant}?`}`];
  }
  if (key === "every" && typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([stream, every]) =>
      STREAM_OR_SCHEDULE.test(stream) && RunSettings.shape.every.safeParse({ [stream]: every }).success
        ? []
        : [`every: expected ${known.expected}, got ${stream}=${shown(every)}`],
    );
  }
  if (RunSettings.shape[known.key].safeParse(value).success) return [];
  return [`${flagName(key)}: expected ${known.expected}, got ${shown(value)}`];
}

/** A value as it may stand in a sentence. */
export function shown(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

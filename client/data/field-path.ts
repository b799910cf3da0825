/** Dotted paths into a sample's value: "top.0.value", and patterns with "*" for every element of a list. */
import type { Value } from "../../shared/value.ts";

/** Elements of one list that become series of their own; longer lists are profiles, to be drawn whole. */
const MAX_ELEMENTS = 64;

/** Elements of the list at the first "*" of the pattern; 0 where there is no list. */
export function listLengthAt(value: Value, pattern: string): number {
  const parts = pattern.split(".");
  const list = descend(value, parts.slice(0, parts.indexOf("*")));
  return Array.isArray(list) ? Math.min(list.length, MAX_ELEMENTS) : 0;
}

/** The paths that a pattern stands for in this value: "top.*.value" → "top.0.value", "top.1.value", … */
export function expandPath(value: Value, pattern: string): readonly string[] {
  const parts = pattern.split(".");
  const star = parts.indexOf("*");
  if (star < 0) return [pattern];
  const paths: string[] = [];
  for (let i = 0; i < listLengthAt(value, pattern); i++) {
    paths.push(...expandPath(value, parts.with(star, String(i)).join(".")));
  }
  return paths;
}

/** The number at a path given in parts; true and false count as 1 and 0; null where there is none (absent, null, a list, text). */
export function valueAt(value: Value, parts: readonly string[]): number | null {
  const found = descend(value, parts);
  if (typeof found === "number") return found;
  if (typeof found === "boolean") return found ? 1 : 0;
  return null;
}

function descend(value: unknown, parts: readonly string[]): unknown {
  let inner = value;
  for (const part of parts) {
    if (inner === null || typeof inner !== "object" || !Object.hasOwn(inner, part)) return undefined;
    inner = (inner as Record<string, unknown>)[part];
  }
  return inner;
}

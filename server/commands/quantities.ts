/** Numbers, sizes and times as people write them: "0.5", "10GiB", "36h". */
import { UserError } from "../training/user-error.ts";

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
};
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** NaN for what is no number in decimal digits: Number("") is 0, and Number("0x0") too. */
export function decimal(given: unknown): number {
  const text = String(given).trim();
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

/** Bytes; null for what is no size. */
export function parseSize(given: unknown): number | null {
  return parse(given, BYTES);
}

/** @returns bytes. @throws {UserError} `settings`. */
export function readSize(name: string, given: unknown): number {
  return read(name, given, BYTES, "a size like 10GiB");
}

/** @returns whole seconds. @throws {UserError} `settings`. */
export function readDuration(name: string, given: unknown): number {
  return read(name, given, SECONDS, "a time like 90m, 12h or 7d");
}

export function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 2 ** (10 * unit)).toPrecision(3))} ${units[unit]}`;
}

function read(
  name: string,
  given: unknown,
  units: Readonly<Record<string, number>>,
  expected: string,
): number {
  const value = parse(given, units);
  if (value !== null) return value;
  throw new UserError("settings", `${name}: expected ${expected}, got ${JSON.stringify(given)}`);
}

function parse(given: unknown, units: Readonly<Record<string, number>>): number | null {
  const parts = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(String(given));
  const unit = units[parts?.[2]?.toLowerCase() ?? "?"];
  return parts === null || unit === undefined ? null : Math.round(Number(parts[1]) * unit);
}

/** How numbers, steps and times are written, everywhere in the dashboard. */
import { format } from "d3-format";
import type { FieldScale } from "./history.ts";

const MISSING = "–";
const grouped = format(",d");
const minus = (text: string): string => text.replace("-", "−");

/** Four significant digits: "0.2310", "1,234", "1.235e−5"; whole numbers below 10⁶ whole. Missing is "–"; NaN and ±∞ are named. */
export function formatNumber(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return MISSING;
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude < 1e-3 || magnitude >= 1e6) return minus(tidyExponent(value.toExponential(digits - 1)));
  if (magnitude >= 10 ** (digits - 1)) return minus(grouped(Math.round(value)));
  // Trailing zeros are kept, so that a live number does not change width.
  return minus(Number.isInteger(value) ? grouped(value) : format(`.${digits}r`)(value));
}

function tidyExponent(text: string): string {
  const [mantissa = "", exponent = "0"] = text.split("e");
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return `${short}e${Number(exponent)}`.replace(/e-/, "e−");
}

/** With its unit, unless that is "1" or none. */
export function formatQuantity(value: number | null | undefined, unit: string, digits = 4): string {
  const text = formatNumber(value, digits);
  return unit === "" || unit === "1" || text === MISSING ? text : `${text} ${unit}`;
}

export function formatStep(step: number | null | undefined): string {
  return step === null || step === undefined || step < 0 ? MISSING : grouped(step);
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** "512 B", "14.8 KiB", "1.2 GiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const unit = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** unit).toPrecision(3))} ${units[unit]}`;
}

/**
 * A share: "12 %", "97.8 %", "0.40 %"; none and all are "0 %" and "100 %", and nothing else is.
 *
 * Two significant digits of what there is, or of what is missing from the whole, whichever is less; "< 0.01 %" below.
 *
 * @param decimals  at least so many.
 */
export function formatPercent(share: number | null | undefined, decimals = 0): string {
  if (share === null || share === undefined) return MISSING;
  if (!Number.isFinite(share)) return formatNumber(share);
  const percent = share * 100;
  const rest = Math.min(Math.abs(percent), Math.abs(100 - percent));
  if (rest === 0) return `${percent} %`;
  if (rest < 0.01) return percent > 50 ? "> 99.99 %" : percent > 0 ? "< 0.01 %" : "> −0.01 %";
  const digits = Math.max(decimals, 1 - Math.floor(Math.log10(rest)));
  return `${minus(format(`.${digits}f`)(percent))} %`;
}

/** A share that something costs. Less than nothing is what noise makes of a small one: "0 %"; the panel says so. */
export function formatCost(share: number | null | undefined): string {
  return formatPercent(isNoise(share) ? 0 : share);
}

/** Is what was measured of a cost below nothing? */
export function isNoise(share: number | null | undefined): boolean {
  return typeof share === "number" && share < 0;
}

/** "0.043 ms", "3.2 ms", "840 ms", "3.2 s", "4 min 05 s", "2 h 07 min". */
export function formatDuration(durationMs: number | null | undefined): string {
  if (durationMs === null || durationMs === undefined || !Number.isFinite(durationMs)) return MISSING;
  if (durationMs > 0 && durationMs < 9.95) return `${formatNumber(durationMs, 2)} ms`;
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${format(".1~f")(durationMs / 1000)} s`;
  const seconds = Math.round(durationMs / 1000);
  const two = (part: number): string => String(part).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${grouped(Math.floor(minutes / 60))} h ${two(minutes % 60)} min`;
}

/** How old a sparse measurement is at the cursor: "at this step", "23 steps before". */
export function formatAge(ageSteps: number): string {
  return ageSteps === 0 ? "at this step" : `${formatCount(ageSteps, "step")} before`;
}

/** From 00 to 23. `hour12: false` would be 24:05 after midnight in English. */
const CLOCK = { hourCycle: "h23" } as const;

/** "14:03:27" in the reader's time zone. */
export function formatClock(wallTimeMs: number): string {
  return new Date(wallTimeMs).toLocaleTimeString(undefined, CLOCK);
}

/** "Nov 27, 2026, 19:40" in the reader's language and time zone. */
export function formatMoment(wallTimeMs: number): string {
  const day = { year: "numeric", month: "short", day: "numeric" } as const;
  return new Date(wallTimeMs).toLocaleString(undefined, {
    ...day,
    hour: "2-digit",
    minute: "2-digit",
    ...CLOCK,
  });
}

/** Steps on an axis: "0", "500", "12k". */
export function formatStepTick(step: number): string {
  return Math.abs(step) >= 10_000 ? minus(format("~s")(step)) : grouped(step);
}

/**
 * Tick labels of a value axis: as many digits as tell the ticks apart, one notation for the whole axis.
 *
 * @param ticks  every tick of the axis, ascending.
 */
export function tickFormat(ticks: readonly number[], scale: FieldScale): (value: number) => string {
  const magnitudes = ticks.filter((tick) => tick !== 0).map(Math.abs);
  const largest = Math.max(0, ...magnitudes);
  const smallest = magnitudes.length > 0 ? Math.min(...magnitudes) : 0;
  if (scale !== "linear") {
    const plain = smallest >= 1e-3 && largest < 1e5;
    return (value) => {
      if (value === 0) return "0";
      return minus(plain ? format(",.12~r")(value) : tidyExponent(value.toExponential(12)));
    };
  }
  const gap = ticks.length > 1 ? Math.abs((ticks[1] as number) - (ticks[0] as number)) : largest || 1;
  if (largest >= 1e6 || (largest > 0 && largest < 1e-3)) {
    const digits = Math.max(0, Math.min(12, Math.ceil(Math.log10(largest / gap)) + 1));
    return (value) => (value === 0 ? "0" : minus(tidyExponent(value.toExponential(digits))));
  }
  let decimals = Math.max(0, Math.min(12, Math.ceil(-Math.log10(gap) - 1e-9)));
  // Ticks 2.5 apart need the digit that ticks 2 apart do not.
  if (Math.abs(gap * 10 ** decimals - Math.round(gap * 10 ** decimals)) > 1e-6) decimals++;
  const fixed = format(`,.${decimals}f`);
  return (value) => minus(fixed(value));
}

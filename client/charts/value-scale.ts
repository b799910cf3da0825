/** The y axis: linear, log or symlog, its round ends and its ticks. */
import { scaleLinear, scaleLog, scaleSymlog } from "d3-scale";
import type { FieldScale } from "../data/history.ts";

export interface ValueScale {
  (value: number): number;
  readonly kind: FieldScale;
  readonly domain: readonly [number, number];
  readonly ticks: readonly number[];
}

/**
 * @param extremes  finite, min ≤ max; for a log scale both above 0.
 * @param range  pixels of the lower and the upper end.
 * @param count  about how many ticks.
 */
export function valueScale(
  kind: FieldScale,
  domain: readonly [number, number],
  range: readonly [number, number],
  count: number,
): ValueScale {
  const [from, to] = domain;
  const ends: [number, number] = [range[0], range[1]];
  if (kind === "log") {
    const scale = scaleLog().domain([from, to]).range(ends);
    // Zero and below lie under every log scale: they are drawn on its lower edge.
    const place = (value: number): number =>
      value > 0 ? scale(value) : Number.isNaN(value) ? value : range[0];
    return Object.assign(place, { kind, domain, ticks: apart(logTicks(from, to, count + 2), place) });
  }
  if (kind === "symlog") {
    const scale = scaleSymlog().constant(symlogConstant(domain)).domain([from, to]).range(ends);
    const place = (value: number): number => scale(value);
    return Object.assign(place, { kind, domain, ticks: apart(symlogTicks(domain, count), place) });
  }
  const scale = scaleLinear().domain([from, to]).range(ends);
  return Object.assign((value: number) => scale(value), { kind, domain, ticks: scale.ticks(count) });
}

/** Round ends around the extremes, so that the axis moves seldom. */
export function roundDomain(
  kind: FieldScale,
  min: number,
  max: number,
  count: number,
): readonly [number, number] {
  if (kind === "log") {
    const low = min > 0 ? min : max > 0 ? max / 10 : 0.1;
    const high = Math.max(low, max);
    const from = roundDown(low);
    const to = roundUp(high);
    return from < to ? [from, to] : [from / 2, to * 2];
  }
  const largest = Math.max(Math.abs(min), Math.abs(max));
  // Below a millionth of the value, ticks would need more digits than there is room for: it is drawn flat.
  if (max - min < largest * 1e-6 || largest === 0) {
    const half = largest === 0 ? 1 : max === min ? largest / 10 : largest * 1e-6;
    return roundDomain(kind, min - half, max + half, count);
  }
  const [from = min, to = max] = scaleLinear().domain([min, max]).nice(count).domain();
  return [from, to];
}

/** Nearest of 1, 2, 5 · 10ⁿ at or below. */
function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-12);
  return [5, 2, 1].map((factor) => factor * power).find((round) => round <= value * (1 + 1e-12)) ?? power;
}

function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-12);
  return (
    [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= value * (1 - 1e-12)) ?? 10 * power
  );
}

/** Of each decade, the closest first. */
const LADDERS = [[1, 2, 5], [1, 3], [1]] as const;

/** Round numbers from a to b, both above 0: the closest that are no more than `most`. */
function logTicks(from: number, to: number, most: number): number[] {
  for (let stride = 1; ; stride++)
    for (const factors of stride === 1 ? LADDERS : LADDERS.slice(-1)) {
      const ticks = rungs(from, to, factors, stride);
      if (ticks.length <= most) return ticks;
    }
}

/** Decades of a double. */
const [FIRST_DECADE, LAST_DECADE] = [-324, 308];

function rungs(from: number, to: number, factors: readonly number[], stride = 1): number[] {
  const low = Math.max(FIRST_DECADE, Math.floor(Math.log10(from) + 1e-12));
  const high = Math.min(LAST_DECADE, Math.log10(to) + 1e-9);
  const ticks: number[] = [];
  for (let exponent = Math.ceil(low / stride) * stride; exponent <= high; exponent += stride)
    for (const factor of factors) {
      const tick = Number(`${factor}e${exponent}`);
      if (tick >= from * (1 - 1e-9) && tick <= to * (1 + 1e-9)) ticks.push(tick);
    }
  return ticks;
}

/** Room for a line of the axis's numbers. */
const TICK_LINE_PX = 14;

/** Zero, and from the ends inwards what leaves room for the others. */
function apart(ticks: readonly number[], place: (value: number) => number): number[] {
  const kept: number[] = [];
  const fits = (tick: number): boolean =>
    kept.every((other) => Math.abs(place(tick) - place(other)) >= TICK_LINE_PX);
  const fromOutside = [...ticks].sort((a, b) => (a === 0 ? -1 : b === 0 ? 1 : Math.abs(b) - Math.abs(a)));
  for (const tick of fromOutside) if (fits(tick)) kept.push(tick);
  return kept.sort((a, b) => a - b);
}

/** Linear within a hundredth of the largest magnitude's decade. */
function symlogConstant([from, to]: readonly [number, number]): number {
  const largest = Math.max(Math.abs(from), Math.abs(to)) || 1;
  return 10 ** (Math.floor(Math.log10(largest)) - 2);
}

/** Zero, and on both sides of it the closest round numbers for which there is room; those of a linear axis where these are too few. */
function symlogTicks(domain: readonly [number, number], count: number): number[] {
  const [from, to] = domain;
  const constant = symlogConstant(domain);
  const within = LADDERS.map((factors) => {
    const up = rungs(constant, Math.max(Math.abs(from), Math.abs(to)), factors);
    const all = [...up.map((tick) => -tick).reverse(), 0, ...up];
    return all.filter((tick) => tick >= from && tick <= to);
  });
  const ticks = within.find(({ length }) => length <= count + 2) ?? within.at(-1) ?? [];
  return ticks.length > 1 ? ticks : scaleLinear().domain([from, to]).ticks(count);
}

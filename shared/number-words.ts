/** Numbers as they stand in sentences, on the server and in the dashboard. */

/** Three significant digits, without an exponent where that stays short. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(1).replace("e-", "e−").replace("e+", "e");
  return size >= 100 ? whole(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** A share as per cent: 0.0123 → "1.23 %", never broken over two lines. */
export function percent(share: number): string {
  return `${figure(100 * share)}\u00a0%`;
}

/** "1,500", as everywhere. */
export function whole(n: number): string {
  return n.toLocaleString("en");
}

/** "1 step", "1,200 steps". */
export function count(n: number, noun: string): string {
  return `${whole(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** Standard errors of differences between two losses on the same examples. */
import type { Evaluation } from "./objective.ts";

/** Of mean(a) − mean(b), and what float32 may be off by in it: at most the error of one difference over √n. */
export function pairedError(
  a: Evaluation,
  b: Evaluation,
): { readonly value: number; readonly noise: number } {
  const n = a.losses.length;
  const differences = a.losses.map((loss, i) => loss - (b.losses[i] as number));
  const mean = differences.reduce((sum, each) => sum + each, 0) / n;
  const squares = differences.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return { value: Math.sqrt(squares / (n - 1) / n), noise: (a.noise + b.noise) / Math.sqrt(n) };
}

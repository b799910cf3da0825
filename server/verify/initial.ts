/** θ as a seed draws it. */
import type { Parameter } from "../../shared/header.ts";
import type { Random } from "../numerics/random.ts";
import type { RunConfig } from "../training/config.ts";

/** Kernels are normal, in the order of the parameters; γ is 1, and what is left is 0. @returns [D]. */
export function drawnTheta(
  parameters: readonly Parameter[],
  init: RunConfig["init"],
  random: Random,
): Float32Array {
  const ends = parameters.map(({ shape, offset }) => offset + sizeOf(shape));
  const theta = new Float32Array(Math.max(0, ...ends));
  for (const [which, { name, shape, offset }] of parameters.entries()) {
    const end = ends[which] as number;
    const kind = name.slice(name.lastIndexOf("/") + 1);
    if (kind === "gamma") theta.fill(1, offset, end);
    const fans = fansOf(kind, shape);
    if (fans === null) continue;
    const deviation = Math.sqrt(variance(init, ...fans));
    for (let i = offset; i < end; i++) theta[i] = deviation * random.normal();
  }
  return theta;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Terms of the sums that an entry is in, forward and backward; null for what is no kernel. The last two lengths are inputs and outputs. */
function fansOf(kind: string, shape: readonly number[]): readonly [fanIn: number, fanOut: number] | null {
  const [inputs = 1, outputs = 1] = shape.slice(-2);
  const size = sizeOf(shape);
  // Of an embedding one row is taken, and nothing is summed.
  if (kind === "embeddings") return [1, outputs];
  if (kind === "depthwise_kernel") return [size / inputs / outputs, size / inputs];
  return kind.endsWith("kernel") ? [size / outputs, size / inputs] : null;
}

function variance(init: RunConfig["init"], fanIn: number, fanOut: number): number {
  switch (init) {
    case "glorot":
      return 2 / (fanIn + fanOut);
    case "lecun":
      return 1 / fanIn;
    case "he":
      return 2 / fanIn;
  }
}

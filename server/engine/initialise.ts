/** θ₀: normal kernels by the fan-in and fan-out of each layer, γ = 1, and zeros elsewhere. */
import type { Parameter } from "../../shared/header.ts";
import type { Random } from "../numerics/random.ts";

export type Initialisation = "glorot" | "lecun" | "he";

/** Variance of a kernel's entries. Plain normals, not truncated: what the papers' formulas say. */
const variance: Readonly<Record<Initialisation, (fanIn: number, fanOut: number) => number>> = {
  /** Glorot & Bengio 2010. */
  glorot: (fanIn, fanOut) => 2 / (fanIn + fanOut),
  /** LeCun et al. 1998. */
  lecun: (fanIn) => 1 / fanIn,
  /** He et al. 2015, arXiv:1502.01852. */
  he: (fanIn) => 2 / fanIn,
};

export function initialise(
  parameters: readonly Parameter[],
  how: Initialisation,
  random: Random,
): Float32Array {
  const last = parameters.at(-1);
  const sizeOf = ({ shape }: Parameter) => shape.reduce((product, length) => product * length, 1);
  const theta = new Float32Array(last === undefined ? 0 : last.offset + sizeOf(last));
  for (const parameter of parameters) {
    const { offset } = parameter;
    const end = offset + sizeOf(parameter);
    if (parameter.name.endsWith("/gamma")) theta.fill(1, offset, end);
    const fan = fanOf(parameter);
    if (fan === null) continue;
    const deviation = Math.sqrt(variance[how](...fan));
    for (let i = offset; i < end; i++) theta[i] = deviation * random.normal();
  }
  return theta;
}

/** Fan-in and fan-out; null for what is no kernel. */
function fanOf({ name, shape }: Parameter): [number, number] | null {
  const kind = name.slice(name.lastIndexOf("/") + 1);
  const [inputs = 1, outputs = 1] = shape.slice(-2);
  // One row is taken, nothing is summed.
  if (kind === "embeddings") return [1, outputs];
  if (!kind.endsWith("kernel")) return null;
  const taps = shape.slice(0, -2).reduce((product, length) => product * length, 1);
  return [kind === "depthwise_kernel" ? taps : taps * inputs, taps * outputs];
}

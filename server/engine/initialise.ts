/** θ₀: normal kernels by the fan-in and fan-out of each layer, zero biases. */
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
    const { shape, offset } = parameter;
    if (shape.length < 2) continue;
    const [fanIn = 1, fanOut = 1] = shape;
    const deviation = Math.sqrt(variance[how](fanIn, fanOut));
    for (let i = 0; i < sizeOf(parameter); i++) theta[offset + i] = deviation * random.normal();
  }
  return theta;
}

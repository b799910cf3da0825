/**
 * A dense network in float64, one example and one scalar at a time, with exact first and second derivatives: what the engine is tested
 * against. It shares no code with the engine, and is itself tested against finite differences.
 */

export type ActivationName = "relu" | "tanh" | "sigmoid" | "gelu" | "softplus" | "linear";
export type LossName = "cross-entropy" | "mse" | "half-sum-mse";

export interface Net64 {
  /** [inputs, hidden…, outputs]; the activation follows every layer but the last. */
  readonly sizes: readonly number[];
  readonly activation: ActivationName;
  readonly loss: LossName;
  /** [n][inputs] and [n][outputs]. */
  readonly inputs: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
}

/** φ, φ′, φ″ at z. */
const activations: Record<ActivationName, (z: number) => readonly [number, number, number]> = {
  linear: (z) => [z, 1, 0],
  relu: (z) => (z > 0 ? [z, 1, 0] : [0, 0, 0]),
  tanh: (z) => {
    const t = Math.tanh(z);
    const slope = 1 / Math.cosh(z) ** 2;
    return [t, slope, -2 * t * slope];
  },
  sigmoid: (z) => {
    const s = 1 / (1 + Math.exp(-z));
    const slope = Math.exp(-z) / (1 + Math.exp(-z)) ** 2;
    return [s, slope, slope * (1 - 2 * s)];
  },
  softplus: (z) => {
    const s = 1 / (1 + Math.exp(-z));
    return [Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), s, s * (1 - s)];
  },
  gelu: (z) => {
    const below = 0.5 * (1 + erf(z / Math.SQRT2));
    const density = Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI);
    return [z * below, below + z * density, (2 - z * z) * density];
  },
};

/** By its Maclaurin series near 0 and the continued fraction of erfc elsewhere; 1e-13. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 2) {
    let power = a;
    let sum = a;
    for (let k = 1; k < 60; k++) {
      power *= -(a * a) / k;
      sum += power / (2 * k + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = a;
  for (let k = 120; k >= 1; k--) fraction = a + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction));
}

/** L(θ); θ is W₁ [in, out] row-major, b₁, W₂, b₂, …. */
export function loss64(net: Net64, theta: ArrayLike<number>): number {
  const { loss } = derivatives64(net, theta, new Float64Array(theta.length));
  return loss;
}

/** ∇L(θ) and H(θ)v, both exact: Pearlmutter's R{·} applied to backpropagation. */
export function derivatives64(
  net: Net64,
  theta: ArrayLike<number>,
  v: ArrayLike<number>,
): { loss: number; gradient: Float64Array; hv: Float64Array } {
  const { sizes, inputs, targets } = net;
  const phi = activations[net.activation];
  const layers = sizes.length - 1;
  const n = inputs.length;
  const gradient = new Float64Array(theta.length);
  const hv = new Float64Array(theta.length);
  const offsets = [0];
  for (let l = 0; l < layers; l++)
    offsets.push((offsets[l] as number) + ((sizes[l] as number) + 1) * (sizes[l + 1] as number));
  const at = (a: ArrayLike<number>, i: number) => a[i] as number;
  let loss = 0;

  inputs.forEach((x, example) => {
    const h: number[][] = [[...x]];
    const hDot: number[][] = [x.map(() => 0)];
    const first: number[][] = [];
    const second: number[][] = [];
    const zDots: number[][] = [];
    for (let l = 0; l < layers; l++) {
      const [rows, columns, offset] = [sizes[l] as number, sizes[l + 1] as number, offsets[l] as number];
      const bias = offset + rows * columns;
      const [below, belowDot] = [h[l] as number[], hDot[l] as number[]];
      const outs: number[] = [];
      const outDots: number[] = [];
      const [f1, f2, zd]: [number[], number[], number[]] = [[], [], []];
      for (let j = 0; j < columns; j++) {
        let z = at(theta, bias + j);
        let zDot = at(v, bias + j);
        for (let i = 0; i < rows; i++) {
          const w = offset + i * columns + j;
          z += at(below, i) * at(theta, w);
          zDot += at(belowDot, i) * at(theta, w) + at(below, i) * at(v, w);
        }
        const [value, slope, bend] = l === layers - 1 ? [z, 1, 0] : phi(z);
        outs.push(value);
        outDots.push(slope * zDot);
        f1.push(slope);
        f2.push(bend);
        zd.push(zDot);
      }
      h.push(outs);
      hDot.push(outDots);
      first.push(f1);
      second.push(f2);
      zDots.push(zd);
    }

    const end = outputDerivatives(
      net.loss,
      h[layers] as number[],
      hDot[layers] as number[],
      targets[example] ?? [],
    );
    loss += end.loss / n;
    let bar = end.bar.map((value) => value / n);
    let barDot = end.barDot.map((value) => value / n);
    for (let l = layers - 1; l >= 0; l--) {
      const [rows, columns, offset] = [sizes[l] as number, sizes[l + 1] as number, offsets[l] as number];
      const bias = offset + rows * columns;
      const [f1, f2, zd] = [first[l] as number[], second[l] as number[], zDots[l] as number[]];
      const zBar = bar.map((value, j) => value * at(f1, j));
      const zBarDot = barDot.map((value, j) => value * at(f1, j) + at(bar, j) * at(f2, j) * at(zd, j));
      const [below, belowDot] = [h[l] as number[], hDot[l] as number[]];
      bar = new Array<number>(rows).fill(0);
      barDot = new Array<number>(rows).fill(0);
      for (let j = 0; j < columns; j++) {
        gradient[bias + j] = at(gradient, bias + j) + at(zBar, j);
        hv[bias + j] = at(hv, bias + j) + at(zBarDot, j);
        for (let i = 0; i < rows; i++) {
          const w = offset + i * columns + j;
          gradient[w] = at(gradient, w) + at(below, i) * at(zBar, j);
          hv[w] = at(hv, w) + at(belowDot, i) * at(zBar, j) + at(below, i) * at(zBarDot, j);
          bar[i] = at(bar, i) + at(theta, w) * at(zBar, j);
          barDot[i] = at(barDot, i) + at(v, w) * at(zBar, j) + at(theta, w) * at(zBarDot, j);
        }
      }
    }
  });
  return { loss, gradient, hv };
}

/** One example's loss, ∂/∂z and its derivative along ż. */
function outputDerivatives(
  name: LossName,
  z: readonly number[],
  zDot: readonly number[],
  y: readonly number[],
) {
  if (name === "cross-entropy") {
    const top = Math.max(...z);
    const total = z.reduce((sum, value) => sum + Math.exp(value - top), 0);
    const p = z.map((value) => Math.exp(value - top) / total);
    const mean = p.reduce((sum, value, k) => sum + value * (zDot[k] as number), 0);
    return {
      loss: -z.reduce((sum, value, k) => sum + (y[k] as number) * (value - top - Math.log(total)), 0),
      bar: p.map((value, k) => value - (y[k] as number)),
      barDot: p.map((value, k) => value * ((zDot[k] as number) - mean)),
    };
  }
  const factor = name === "mse" ? 1 / z.length : 0.5;
  const difference = z.map((value, k) => value - (y[k] as number));
  return {
    loss: factor * difference.reduce((sum, value) => sum + value * value, 0),
    bar: difference.map((value) => 2 * factor * value),
    barDot: zDot.map((value) => 2 * factor * value),
  };
}

/** The whole Hessian, one unit vector at a time. */
export function hessian64(net: Net64, theta: ArrayLike<number>): Float64Array[] {
  return Array.from({ length: theta.length }, (_, i) => {
    const unit = new Float64Array(theta.length);
    unit[i] = 1;
    return derivatives64(net, theta, unit).hv;
  });
}

/**
 * L(θ), ∇L(θ) and H(θ)v of a network in float64, by backpropagation and Pearlmutter's R-operator, and beside each what float32
 * may make of it. Shares no code with the engine, whose numbers it is there to check.
 */
import { type Bars, FLOAT32_MAX, gradientNoise, hessianNoise, lossNoise, UNIT_ROUNDOFF } from "./float32.ts";
import { pass } from "./forward.ts";
import type { Inputs } from "./inputs.ts";
import type { Below, Passed } from "./layers.ts";
import { type OutputLoss, outputLoss } from "./losses.ts";
import type { Network } from "./network.ts";

export interface Part {
  readonly inputs: Inputs;
  /** [n × outputs]. */
  readonly targets: Float32Array;
}

export interface Evaluation {
  readonly loss: number;
  /** ℓ_i, [n]; the loss is their mean. */
  readonly losses: Float64Array;
  /** Standard deviation of what float32 is off by in the loss. */
  readonly noise: number;
  /** Float32 may overflow on the way. */
  readonly overflows: boolean;
}

export interface Slope {
  /** ∇L, [D]. */
  readonly gradient: Float64Array;
  /** Of what float32 is off by, the norm. */
  readonly noise: number;
  /** Activations so near a kink that float32 may stand on its other side, where the derivative is another one. */
  readonly kinks: number;
}

/** The network at one θ. */
export class Objective64 {
  readonly #network: Network;
  readonly #part: Part;
  readonly #theta: Float64Array;
  readonly #passed: readonly Passed[];
  readonly #end: OutputLoss;
  readonly #outputs: Float64Array;
  /** Of each layer; made when first needed. */
  #bars: Bars[] | null = null;

  /** @cost one forward pass. @param kinkAt  on which side of a kink to be taken where float32 could not tell: −1, 1, or 0 for where it is. */
  constructor(network: Network, part: Part, theta: ArrayLike<number>, kinkAt = 0) {
    if (theta.length !== network.parameterCount)
      throw new RangeError(`theta: expected ${network.parameterCount} values, got ${theta.length}`);
    this.#network = network;
    this.#part = part;
    this.#theta = Float64Array.from(theta);
    const passed: Passed[] = [];
    let below: Below = part.inputs;
    for (const layer of network.layers) {
      below = pass(layer, below, this.#theta, kinkAt);
      passed.push(below);
    }
    this.#passed = passed;
    const { layer, output } = passed.at(-1) as Passed;
    this.#outputs = output;
    this.#end = outputLoss(network.loss, output, part.targets, layer.outputs);
  }

  get parameterCount(): number {
    return this.#network.parameterCount;
  }

  get size(): number {
    return this.#part.inputs.size;
  }

  /** @cost a backward pass without its products for the first layer. */
  evaluate(): Evaluation {
    const { losses } = this.#end;
    const bars = this.#backward();
    const largest = losses.reduce((most, loss) => Math.max(most, loss), 0);
    return {
      loss: mean(losses),
      losses,
      noise: lossNoise(this.#passed, bars, losses, this.#network.loss === "cross-entropy" ? 1 : 0),
      overflows: !(largest < FLOAT32_MAX / (4 * (this.#passed.at(-1) as Passed).layer.outputs)),
    };
  }

  /** Examples whose largest output is the target's, and those whose two largest outputs float32 may not tell apart. */
  count(): { readonly right: number; readonly unsure: number } {
    const { targets } = this.#part;
    const { layer, off } = this.#passed.at(-1) as Passed;
    const k = layer.outputs;
    let right = 0;
    let unsure = 0;
    for (let i = 0; i < this.size; i++) {
      let [best, wanted] = [0, 0];
      for (let c = 1; c < k; c++) {
        if ((this.#outputs[i * k + c] as number) > (this.#outputs[i * k + best] as number)) best = c;
        if ((targets[i * k + c] as number) > (targets[i * k + wanted] as number)) wanted = c;
      }
      if (best === wanted) right++;
      for (let c = 0; c < k; c++) {
        const lead = (this.#outputs[i * k + best] as number) - (this.#outputs[i * k + c] as number);
        const near = 4 * UNIT_ROUNDOFF * ((off[i * k + best] as number) + (off[i * k + c] as number));
        if (c === best || lead > near) continue;
        unsure++;
        break;
      }
    }
    return { right, unsure };
  }

  /** @cost two forward passes. */
  slope(): Slope {
    const gradient = new Float64Array(this.#theta.length);
    const bars = this.#backward();
    const kinks = this.#passed.reduce((sum, each) => sum + each.kinks, 0);
    for (const [l, passed] of this.#passed.entries()) passed.addGradient((bars[l] as Bars).z, gradient);
    for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) / this.size;
    return { gradient, noise: gradientNoise(this.#passed, bars, this.#end), kinks };
  }

  /** H(θ)v, new. @cost two forward passes. */
  apply(v: Float64Array): Float64Array<ArrayBuffer> {
    return this.#product(v, true);
  }

  /** G(θ)v, new; G = JᵀH_ℓJ, the Gauss–Newton matrix. @cost two forward passes. */
  applyGaussNewton(v: Float64Array): Float64Array<ArrayBuffer> {
    return this.#product(v, false);
  }

  /** @param isCurved  or is the network taken for linear in θ around here? */
  #product(v: Float64Array, isCurved: boolean): Float64Array<ArrayBuffer> {
    const bars = this.#backward();
    const zDots: Float64Array[] = [];
    const hDots: (Float64Array | null)[] = [null];
    for (const [l, passed] of this.#passed.entries()) {
      const zDot = passed.tangent(v, hDots[l] ?? null);
      zDots.push(zDot);
      hDots.push(timesEach(zDot, passed.first));
    }
    const result = new Float64Array(v.length);
    let barDot = new Float64Array(this.#outputs.length);
    this.#end.addTangent(hDots.at(-1) as Float64Array, barDot);
    for (let l = this.#passed.length - 1; l >= 0; l--) {
      const passed = this.#passed[l] as Passed;
      const { z: zBar, h: hBar } = bars[l] as Bars;
      const zBarDot = timesEach(barDot, passed.first);
      if (isCurved) addTimesEach(hBar, passed.second, zDots[l] as Float64Array, zBarDot);
      passed.addGradient(zBarDot, result);
      const belowDot = l === 0 ? null : new Float64Array(this.size * passed.layer.inputs);
      if (belowDot !== null) passed.addBack(zBarDot, belowDot);
      if (isCurved) passed.addCurvature(v, hDots[l] ?? null, zBar, result, belowDot);
      if (belowDot !== null) barDot = belowDot;
    }
    for (let i = 0; i < result.length; i++) result[i] = (result[i] as number) / this.size;
    return result;
  }

  /** Standard deviation, as a norm, of what float32 makes of H, where its largest eigenvalue has this size. */
  hessianNoise(largest: number): number {
    return hessianNoise(this.#passed, this.#backward(), largest, this.size);
  }

  #backward(): Bars[] {
    if (this.#bars !== null) return this.#bars;
    const bars: Bars[] = [];
    let h: Float64Array = this.#end.bars;
    for (let l = this.#passed.length - 1; l >= 0; l--) {
      const passed = this.#passed[l] as Passed;
      const z = timesEach(h, passed.first);
      bars.unshift({ z, h });
      if (l === 0) break;
      h = new Float64Array(this.size * passed.layer.inputs);
      passed.addBack(z, h);
    }
    this.#bars = bars;
    return bars;
  }
}

/** a ∘ b, new. */
function timesEach(a: Float64Array, b: Float64Array): Float64Array<ArrayBuffer> {
  const result = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = (a[i] as number) * (b[i] as number);
  return result;
}

/** out += a ∘ b ∘ c. */
function addTimesEach(a: Float64Array, b: Float64Array, c: Float64Array, out: Float64Array): void {
  for (let i = 0; i < a.length; i++)
    out[i] = (out[i] as number) + (a[i] as number) * (b[i] as number) * (c[i] as number);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

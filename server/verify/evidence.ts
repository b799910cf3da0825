/** What samples are derived from: the recorded θ, the header, and the data, read again. */
import type { SessionHeader } from "../../shared/header.ts";
import { whole } from "../../shared/number-words.ts";
import { isLogged } from "../../shared/schedule.ts";
import { createRandom, type Random } from "../numerics/random.ts";
import type { Session } from "../session/session.ts";
import { type RunConfig, readRunConfig } from "../training/config.ts";
import { UserError } from "../training/user-error.ts";
import { type DataResult, type RecordedData, readData } from "./data.ts";
import { drawnTheta } from "./initial.ts";
import { multiplyAdds, type Network, type NetworkResult, readNetwork } from "./network.ts";
import { Objective64, type Part } from "./objective.ts";
import { norm } from "./products.ts";
import { createRates, type Rates } from "./rates.ts";
import { SIGMAS } from "./tally.ts";

/** θ at this step is not in the recording. */
export class NotRecorded extends Error {
  readonly step: number;

  constructor(step: number) {
    super(`θ of step ${whole(step)} is not in the recording`);
    this.step = step;
  }
}

/** The gradient that an update was made of. */
export interface TrainSlope {
  readonly objective: Objective64;
  readonly gradient: Float64Array;
  readonly norm: number;
  /** Of the gradient, as a norm; with what a kink may do. */
  readonly noise: number;
}

export class Evidence {
  readonly header: SessionHeader;
  readonly config: RunConfig;
  readonly rates: Rates;
  readonly #session: Session;
  readonly #network: NetworkResult;
  readonly #data: DataResult;
  /** Recordings of before θ was logged at powers of two have it at multiples only. */
  readonly #isDense: boolean;
  /** Newest step whose θ can be asked of the log. */
  readonly #lastHeld: number;
  readonly #thetas = new Map<number, Float32Array>();
  #slope: { readonly step: number; readonly theta: ArrayLike<number>; readonly value: TrainSlope } | null =
    null;
  #order: { readonly epoch: number; readonly indices: Uint32Array } | null = null;

  private constructor(
    session: Session,
    config: RunConfig,
    network: NetworkResult,
    data: DataResult,
    lastHeld: number,
  ) {
    this.#session = session;
    this.#lastHeld = lastHeld;
    this.#network = network;
    this.#data = data;
    this.header = session.header;
    this.config = config;
    this.rates = createRates(config);
    const weights = session.header.channels.find(({ name }) => name === "train/weights");
    this.#isDense = weights?.cadence.kind === "logged" && weights.cadence.dense === true;
  }

  /** @throws {UserError} `header-foreign` for a header whose configuration is none of ours. */
  static async of(session: Session): Promise<Evidence> {
    const { header } = session;
    const read = readRunConfig(header.config);
    if (!read.ok) {
      throw new UserError(
        "header-foreign",
        `header: expected a configuration as thalweg writes it, found config.${read.problem} = ${JSON.stringify(header.config[read.problem])}`,
      );
    }
    const network = readNetwork(header);
    const data: DataResult = network.ok
      ? await readData(read.config, network.network.layers[0]?.inputs ?? 0)
      : { ok: false, why: network.why };
    return new Evidence(session, read.config, network, data, await lastHeldBy(session));
  }

  /** Why numbers that need the network or the data cannot be derived; null when they can. */
  get obstacle(): string | null {
    if (!this.#network.ok) return this.#network.why;
    if (!this.#data.ok) return this.#data.why;
    const isSame = this.#data.data.sha256 === this.header.probe.sha256;
    return isSame ? null : `the data of ${this.header.probe.dataset} are not those recorded`;
  }

  get network(): Network {
    if (!this.#network.ok) throw new Error(this.#network.why);
    return this.#network.network;
  }

  /** Of one example's way through the network, about. */
  get multiplyAdds(): number {
    return this.#network.ok ? multiplyAdds(this.#network.network) : this.header.parameterCount;
  }

  /** As read now; may differ from what was recorded. Null where it could not be read. */
  get dataAsRead(): RecordedData | null {
    return this.#data.ok ? this.#data.data : null;
  }

  get data(): RecordedData {
    if (!this.#data.ok) throw new Error(this.#data.why);
    return this.#data.data;
  }

  /** Newest step in the log. */
  get lastStep(): number {
    return this.#session.status.step;
  }

  /** Where training began: 0, or the step that this run was forked at. */
  get firstStep(): number {
    return this.header.fork?.step ?? 0;
  }

  /** Should θ of this step be in the log? A fork's has θ₀ too, which its distances are measured from. */
  holds(step: number): boolean {
    const { steps, weightsEvery } = this.header;
    if (step > this.#lastHeld) return false;
    if (step === 0 || step === this.firstStep) return true;
    if (step <= this.firstStep) return false;
    return isLogged(step, weightsEvery, steps, this.#isDense);
  }

  /** @throws {NotRecorded} */
  async theta(step: number): Promise<Float32Array> {
    const known = this.#thetas.get(step);
    if (known !== undefined) return known;
    const result = await this.#session.weights(step);
    if (!result.found) throw new NotRecorded(step);
    // θ₀ and the few newest ones are asked for again.
    for (const old of this.#thetas.keys()) if (this.#thetas.size > 6 && old !== 0) this.#thetas.delete(old);
    this.#thetas.set(step, result.theta);
    return result.theta;
  }

  /** At the recorded θ of this step, on the probe unless other examples are given. */
  async at(step: number, part?: Part): Promise<Objective64> {
    return this.objective(await this.theta(step), part);
  }

  /** On the probe, unless other examples are given. */
  objective(theta: ArrayLike<number>, part: Part = this.data.probe()): Objective64 {
    return new Objective64(this.network, part, theta);
  }

  /** Training's gradient for update `step` + 1 at this θ. */
  slopeOf(step: number, theta: ArrayLike<number>): TrainSlope {
    const known = this.#slope;
    if (known?.step === step && known.theta === theta) return known.value;
    const part = this.header.train.fullBatch ? this.data.train() : this.data.train(this.batch(step));
    const value = slopeWithin(this, part, theta);
    this.#slope = { step, theta, value };
    return value;
  }

  /** Training examples of update `step` + 1: each epoch shuffles anew, by the order seed and its number. */
  batch(step: number): Uint32Array {
    const { batchSize } = this.header.train;
    const size = this.data.trainSize;
    const perEpoch = Math.ceil(size / batchSize);
    const epoch = Math.floor(step / perEpoch);
    if (this.#order?.epoch !== epoch) {
      const random = createRandom(this.config.seeds.order).stream("order").stream(epoch);
      this.#order = { epoch, indices: random.shuffle(Uint32Array.from({ length: size }, (_, i) => i)) };
    }
    const from = (step % perEpoch) * batchSize;
    return this.#order.indices.subarray(from, Math.min(from + batchSize, size));
  }

  /** `count` different training examples, ascending; each subset as likely, by Floyd's method (Bentley & Floyd 1987, CACM 30(9)). */
  subset(random: Random, count: number): Uint32Array {
    const chosen = new Set<number>();
    for (let bound = this.data.trainSize - count; bound < this.data.trainSize; bound++) {
      const index = random.integer(bound + 1);
      chosen.add(chosen.has(index) ? bound : index);
    }
    return Uint32Array.from(chosen).sort();
  }

  /** θ as the init seed draws it: "initial" is θ₀, "unrelated" the control of line/profile. Null for a model of the user's own. */
  drawn(which: "initial" | "unrelated"): Float32Array | null {
    const { task, model, redraw } = this.config;
    if (which === "initial" && (task === "own" || (model !== null && !redraw))) return null;
    const random = createRandom(this.config.seeds.init).stream(which);
    return drawnTheta(this.header.parameters, this.config.init, random);
  }
}

/** θ comes to the log last: one that was cut off has it to an earlier step than the rest. */
async function lastHeldBy(session: Session): Promise<number> {
  const { reason, step } = session.status;
  if (reason !== "interrupted") return step;
  const beyond = await session.weights(step + 1);
  return beyond.found ? step : (beyond.nearest[0] ?? -1);
}

/** The gradient on these examples, and how far float32 may be from it, kinks included. */
export function slopeWithin({ network }: Evidence, part: Part, theta: ArrayLike<number>): TrainSlope {
  const objective = new Objective64(network, part, theta);
  const { gradient, noise, kinks } = objective.slope();
  let most = SIGMAS * noise;
  if (kinks > 0) {
    for (const side of [-1, 1]) {
      const other = new Objective64(network, part, theta, side).slope().gradient;
      most += norm(other.map((value, i) => value - (gradient[i] as number)));
    }
  }
  return { objective, gradient, norm: norm(gradient), noise: most };
}

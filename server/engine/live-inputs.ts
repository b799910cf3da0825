/** An objective on examples some of whose inputs are zero in all of them, as pixels at the rim of pictures are. */
import type { Parameter } from "../../shared/header.ts";
import type { Backend } from "./backend.ts";
import type { CompiledModel } from "./compile.ts";
import { ofLength } from "./evaluator.ts";
import type { Linearised, Objective } from "./objective.ts";
import type { ObjectiveData } from "./objective-data.ts";
import { sizeOf } from "./rules/linear.ts";

/** Where fewer inputs are zero throughout, leaving them out gains less than copying costs. */
const LEAST_SHARE = 1 / 16;

/**
 * The same objective, computed without the inputs that are zero in every example, where a dense layer is the first that has parameters:
 * weights of such inputs change no output, so that their part of the gradient, of Hv and of Gv is exactly 0. Of 512 digits, 204 of 784
 * pixels are: Hv of 784-200-200-10 takes a tenth less.
 *
 * For objectives that live long: it reads all inputs, and the smaller model is opened on the backend for itself.
 * @returns null where there is nothing to gain: other layers, a penalty on the weights, hardly an input that is zero throughout.
 * @throws {EngineError} as the backend does.
 * @cost beside the smaller model's, a copy of θ or v and of each result.
 * @checked test/engine/live-inputs.test.ts, on every backend, against a float64 reference on all inputs.
 */
export function objectiveOnLiveInputs(
  chosen: Pick<Backend, "open">,
  compiled: CompiledModel,
  data: ObjectiveData,
): Objective | null {
  const narrowed = narrow(compiled, data);
  if (narrowed === null) return null;
  const { ranges } = narrowed;
  const backend = chosen.open(narrowed.compiled);
  const inner = backend.createObjective(narrowed.data);

  const checked = (name: string, vector: Float32Array) => ofLength(compiled.parameterCount, name, vector);
  const take = (name: string, vector: Float32Array, into: Float32Array) => {
    checked(name, vector);
    for (const { from, to, at } of ranges) into.set(vector.subarray(from, to), at);
    return into;
  };
  const spread = (vector: Float32Array, out: Float32Array<ArrayBuffer>) => {
    let end = 0;
    for (const { from, to, at } of ranges) {
      out.fill(0, end, from);
      out.set(vector.subarray(at, at + to - from), from);
      end = to;
    }
    return out;
  };
  const fresh = () => new Float32Array(compiled.parameterCount);

  // Used again by each call: megabytes of garbage each millisecond would keep the collector busy.
  const point = new Float32Array(inner.parameterCount);
  const direction = new Float32Array(inner.parameterCount);
  const product = new Float32Array(inner.parameterCount);
  const at = (theta: Float32Array) => take("theta", theta, point);
  const through =
    (multiply: Linearised["hessianVectorProduct"]): Linearised["hessianVectorProduct"] =>
    (v, out = fresh()) => {
      checked("out", out);
      return spread(multiply(take("v", v, direction), product), out);
    };
  return {
    parameterCount: compiled.parameterCount,
    size: inner.size,
    formula: inner.formula,
    loss: (theta) => inner.loss(at(theta)),
    exampleLosses: (theta) => inner.exampleLosses(at(theta)),
    accuracy: (theta) => inner.accuracy(at(theta)),
    evaluate: (theta) => inner.evaluate(at(theta)),
    gradient(theta, out = fresh()) {
      checked("out", out);
      const found = inner.gradient(at(theta), product);
      return { ...found, gradient: spread(found.gradient, out) };
    },
    linearise(theta) {
      const found = inner.linearise(at(theta));
      return {
        theta: theta.slice(),
        loss: found.loss,
        gradient: spread(found.gradient, fresh()),
        hessianVectorProduct: through(found.hessianVectorProduct),
        gaussNewtonProduct: through(found.gaussNewtonProduct),
        dispose: () => found.dispose(),
      };
    },
    dispose() {
      inner.dispose();
      backend.dispose();
    },
  };
}

/** Of θ, what lies in [from, to) there, and begins at `at` in the smaller model's. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

interface Narrowed {
  readonly compiled: CompiledModel;
  readonly data: ObjectiveData;
  readonly ranges: readonly Range[];
}

function narrow(compiled: CompiledModel, data: ObjectiveData): Narrowed | null {
  const first = compiled.rules.findIndex((rule) => !rule.keepsOrder);
  const rule = compiled.rules[first];
  const count = sizeOf(compiled.inputShape);
  // A penalty is a function of all weights; data that do not fit are refused where they always are.
  if (rule?.withInputs === undefined || compiled.penalties.length > 0) return null;
  if (data.inputs.length !== data.size * count) return null;
  const live = liveInputs(data.inputs, count);
  if (live.length === 0 || live.length > (1 - LEAST_SHARE) * count) return null;
  const inputs = new Float32Array(data.size * live.length);
  for (let example = 0, next = 0; example < data.size; example++)
    for (const input of live) inputs[next++] = data.inputs[example * count + input] as number;
  const [kernel, ...others] = compiled.parameters as [Parameter, ...Parameter[]];
  const width = sizeOf(kernel.shape) / count;
  const dropped = (count - live.length) * width;
  return {
    compiled: {
      ...compiled,
      rules: [rule.withInputs(live.length), ...compiled.rules.slice(first + 1)],
      parameters: [
        { ...kernel, shape: [live.length, width] },
        ...others.map((each) => ({ ...each, offset: each.offset - dropped })),
      ],
      parameterCount: compiled.parameterCount - dropped,
      inputShape: [live.length],
    },
    data: { ...data, inputs },
    ranges: rangesOf(live, width, { from: count * width, to: compiled.parameterCount }),
  };
}

/** Numbers of the inputs that are not zero in every example, ascending. */
function liveInputs(inputs: Float32Array, count: number): number[] {
  const isLive = new Uint8Array(count);
  for (let i = 0, input = 0; i < inputs.length; i++) {
    if (inputs[i] !== 0) isLive[input] = 1;
    if (++input === count) input = 0;
  }
  return Array.from(isLive.keys()).filter((input) => isLive[input] === 1);
}

/** Rows of inputs that follow one another are one range; the last is the rest of θ. */
function rangesOf(live: readonly number[], width: number, rest: Omit<Range, "at">): Range[] {
  const ranges: { from: number; to: number; at: number }[] = [];
  for (const [i, input] of live.entries()) {
    const last = ranges.at(-1);
    if (last?.to === input * width) last.to += width;
    else ranges.push({ from: input * width, to: (input + 1) * width, at: i * width });
  }
  return [...ranges, { ...rest, at: live.length * width }];
}

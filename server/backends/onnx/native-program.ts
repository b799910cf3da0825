/** A model's graphs for one number of examples, with the sessions that run them and the buffers they are fed from. */
import type { CompiledModel } from "../../engine/compile.ts";
import type { Evaluator } from "../../engine/evaluator.ts";
import type { ObjectiveData } from "../../engine/objective-data.ts";
import { sizeOf } from "../../engine/rules/linear.ts";
import { type PrintedModel, printModel } from "./printed-model.ts";
import type { GraphSession, NamedTensors, Runtime } from "./runtime.ts";

/** A flat vector as θ is, and a tensor on each parameter's part of it. */
interface Vector {
  readonly flat: Float32Array;
  readonly tensors: NamedTensors;
}

/** The examples of one objective: copies, since the caller may gather the next ones in the same memory. */
interface Fed {
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly tensors: NamedTensors;
}

/** θ and all that the products at θ share. */
interface Point {
  readonly theta: Vector;
  readonly tensors: NamedTensors;
}

/** Serves any number of objectives of its size, since each call is over before the next begins. */
export class NativeProgram {
  readonly #runtime: Runtime;
  readonly #compiled: CompiledModel;
  readonly #printed: PrintedModel;
  readonly #sessions = new Map<keyof PrintedModel["graphs"], GraphSession>();
  readonly #theta: Vector;
  readonly #direction: Vector;
  /** Of linearisations that were disposed: some of the largest buffers there are. No more than were in use at once. */
  readonly #freePoints: Point[] = [];
  /** Of objectives that were disposed: at each minibatch, new buffers would keep the garbage collector busy on half a core. */
  readonly #freeExamples: Fed[] = [];
  /** What gradients and products were last written to, which is mostly where the next one goes. */
  readonly #written = new Map<readonly string[], Vector>();

  constructor(runtime: Runtime, compiled: CompiledModel, n: number) {
    this.#runtime = runtime;
    this.#compiled = compiled;
    this.#printed = printModel(compiled, n);
    this.#theta = this.#vector(this.#printed.weights);
    this.#direction = this.#vector(this.#printed.direction);
  }

  /** Numbers in the largest tensor that it computes. */
  get largest(): number {
    return this.#printed.largest;
  }

  /** Opens every session, some milliseconds each, which are otherwise opened when first needed. @throws {Error} when one is refused. */
  openAll(): void {
    for (const part of Object.keys(this.#printed.graphs)) this.#session(part as keyof PrintedModel["graphs"]);
  }

  dispose(): void {
    for (const session of this.#sessions.values()) session.dispose();
    this.#sessions.clear();
    this.#written.clear();
    this.#freePoints.length = 0;
    this.#freeExamples.length = 0;
  }

  /** @param release  called when it is disposed. */
  evaluator(data: ObjectiveData, release: () => void): Evaluator {
    const { y, z, exampleLosses, hv, gv } = this.#printed;
    const fed = this.#takeExamples();
    fed.inputs.set(data.inputs);
    fed.targets.set(data.targets);
    const examples = fed.tensors;
    const forward = (theta: Float32Array) => {
      const losses = new Float32Array(data.size);
      const outputs = new Float32Array(data.size * this.#compiled.outputs);
      this.#theta.flat.set(theta);
      this.#session("forward").run(
        { ...examples, ...this.#theta.tensors },
        {
          [z]: this.#runtime.tensor(outputs, y.shape),
          [exampleLosses]: this.#runtime.tensor(losses, [data.size, 1]),
        },
      );
      return { z: outputs, exampleLosses: losses };
    };
    const slope = (
      part: "gradient" | "linearise",
      weights: NamedTensors,
      more: NamedTensors,
      out?: Float32Array,
    ) => {
      const losses = new Float32Array(data.size);
      const gradient = this.#output(this.#printed.gradient, out);
      this.#session(part).run(
        { ...examples, ...weights },
        { ...more, ...gradient.tensors, [exampleLosses]: this.#runtime.tensor(losses, [data.size, 1]) },
      );
      return { exampleLosses: losses, gradient: gradient.flat };
    };
    let isDisposed = false;
    return {
      exampleLosses: (theta) => forward(theta).exampleLosses,
      outputs: forward,
      gradient: (theta, out) => {
        this.#theta.flat.set(theta);
        return slope("gradient", this.#theta.tensors, {}, out);
      },
      linearise: (theta) => {
        let point: Point | null = this.#takePoint();
        point.theta.flat.set(theta);
        const at = slope("linearise", point.theta.tensors, point.tensors);
        const product = (
          part: "product" | "gaussNewton",
          names: readonly string[],
          v: Float32Array,
          out: Float32Array,
        ) => {
          if (point === null) throw new Error("linearise: this linearisation has been disposed");
          this.#direction.flat.set(v);
          this.#session(part).run(
            { ...examples, ...point.theta.tensors, ...point.tensors, ...this.#direction.tensors },
            this.#output(names, out).tensors,
          );
        };
        return {
          ...at,
          hessianVectorProduct: (v, out) => product("product", hv, v, out),
          gaussNewtonProduct: (v, out) => product("gaussNewton", gv, v, out),
          dispose: () => {
            if (point !== null) this.#freePoints.push(point);
            point = null;
          },
        };
      },
      dispose: () => {
        if (isDisposed) return;
        isDisposed = true;
        this.#freeExamples.push(fed);
        release();
      },
    };
  }

  #session(part: keyof PrintedModel["graphs"]): GraphSession {
    const open = this.#sessions.get(part) ?? this.#runtime.open(this.#printed.graphs[part]);
    this.#sessions.set(part, open);
    return open;
  }

  /** @param names  of the tensors, one for each parameter. */
  #vector(
    names: readonly string[],
    flat: Float32Array = new Float32Array(this.#compiled.parameterCount),
  ): Vector {
    const tensors = this.#compiled.parameters.map(({ offset, shape }, i) => {
      const values = flat.subarray(offset, offset + sizeOf(shape));
      return [names[i] as string, this.#runtime.tensor(values, shape)] as const;
    });
    return { flat, tensors: Object.fromEntries(tensors) };
  }

  /** Tensors on a vector that results are wanted in. */
  #output(names: readonly string[], flat?: Float32Array): Vector {
    const before = this.#written.get(names);
    if (before !== undefined && before.flat === flat) return before;
    const vector = this.#vector(names, flat);
    if (flat !== undefined) this.#written.set(names, vector);
    return vector;
  }

  #takeExamples(): Fed {
    const free = this.#freeExamples.pop();
    if (free !== undefined) return free;
    const { x, y } = this.#printed;
    const inputs = new Float32Array(sizeOf(x.shape));
    const targets = new Float32Array(sizeOf(y.shape));
    const tensors = {
      [x.name]: this.#runtime.tensor(inputs, x.shape),
      [y.name]: this.#runtime.tensor(targets, y.shape),
    };
    return { inputs, targets, tensors };
  }

  #takePoint(): Point {
    const free = this.#freePoints.pop();
    if (free !== undefined) return free;
    const { point, weights } = this.#printed;
    const tensors = point.map(({ name, shape }) => [
      name,
      this.#runtime.tensor(new Float32Array(sizeOf(shape)), shape),
    ]);
    return { theta: this.#vector(weights), tensors: Object.fromEntries(tensors) as NamedTensors };
  }
}

/** The parts of a run, put together: the probe is chosen, θ₀ is fixed, the facts are written down. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type CompiledModel, compile, constantsOf } from "../engine/compile.ts";
import { EngineError } from "../engine/engine-error.ts";
import { initialise } from "../engine/initialise.ts";
import type { OwnLoss } from "../engine/own-loss.ts";
import { createRandom } from "../numerics/random.ts";
import { LAST_BATCH, SHUFFLING } from "./batch-order.ts";
import type { RunConfig } from "./config.ts";
import { examplesChecksum } from "./data/checksum.ts";
import { drawStratified } from "./data/draw.ts";
import { labelsOf, sharedFloats } from "./data/examples.ts";
import { optimizerFacts } from "./optimizers/index.ts";
import type { Blueprint, Examples } from "./run.ts";
import { UserError } from "./user-error.ts";

export interface BlueprintParts {
  readonly config: RunConfig;
  readonly model: LayersModel;
  readonly modelSummary: string;
  /** θ₀ in the order of the compiled parameters. */
  initial(compiled: CompiledModel): Float32Array;
  readonly train: Examples;
  readonly test: Examples | null;
  /** Row of the data source for each training example; null when they are the same. */
  readonly sourceRows: Uint32Array | null;
  readonly preprocessing: string;
  /** The user's own, and what the loss "own" stands for. */
  readonly module?: { readonly path: string; readonly loss: OwnLoss | null };
}

/** @throws {UserError} with the engine's code when the model or its data cannot be measured. */
export function assembleBlueprint(parts: BlueprintParts): Blueprint {
  const { config, model, train, test, sourceRows, module } = parts;
  const compiled = compiledOrRefused(model, config.loss, module?.loss ?? null);
  const needsModule = compiled.taped.length > 0 || config.loss === "own";
  const [probe, secondProbe] = chooseProbes(config, train);
  const isTrainingSet = probe.length === train.size;
  const random = createRandom(config.seeds.init);
  return {
    config,
    facts: {
      config: { ...config },
      preset: config.preset,
      task: config.task,
      seeds: config.seeds,
      model: model.toJSON(null, false),
      modelSummary: parts.modelSummary,
      loss: { name: compiled.loss.name, formula: compiled.loss.formula },
      parameters: [...compiled.parameters],
      parameterCount: compiled.parameterCount,
      probe: {
        dataset: config.dataset,
        sha256: examplesChecksum(train, probe),
        split: "train",
        size: probe.length,
        isTrainingSet,
        indices: Array.from(probe, (index) => sourceRows?.[index] ?? index),
        preprocessing: parts.preprocessing,
      },
      train: {
        dataset: config.dataset,
        size: train.size,
        batchSize: config.batchSize === "full" ? train.size : config.batchSize,
        fullBatch: config.batchSize === "full",
        shuffling: config.batchSize === "full" ? "none: every update sees all examples" : SHUFFLING,
        lastBatch: config.batchSize === "full" ? "there is one batch" : LAST_BATCH,
      },
      optimizer: optimizerFacts(config),
      steps: config.steps,
    },
    model: { isSequential: model.getClassName() === "Sequential", config: model.getConfig() },
    module: needsModule ? (module?.path ?? null) : null,
    constants: shared(constantsOf(model)),
    initial: shared(parts.initial(compiled)),
    unrelatedInitial: shared(initialise(compiled.parameters, config.init, random.stream("unrelated"))),
    train,
    test,
    probe,
    secondProbe,
  };
}

/** The probe, and another as large beside it when there are examples enough; both in proportion to the classes. */
function chooseProbes(config: RunConfig, train: Examples): [Uint32Array, Uint32Array | null] {
  const { probeSize } = config;
  if (probeSize >= train.size) return [Uint32Array.from({ length: train.size }, (_, i) => i), null];
  const labels = labelsOf(train) ?? new Int32Array(train.size);
  const sizes = 2 * probeSize <= train.size ? [probeSize, probeSize] : [probeSize];
  const random = createRandom(config.seeds.probe).stream("probe");
  const [first, second] = drawStratified(labels, sizes, "proportional", random);
  return [first as Uint32Array, second ?? null];
}

function compiledOrRefused(model: LayersModel, loss: string, ownLoss: OwnLoss | null): CompiledModel {
  try {
    return compile(model, loss, { ownLoss });
  } catch (cause) {
    if (cause instanceof EngineError) throw new UserError(cause.code, cause.message);
    throw cause;
  }
}

function shared(values: Float32Array): Float32Array {
  const copy = sharedFloats(values.length);
  copy.set(values);
  return copy;
}

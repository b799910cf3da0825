/** A run's model, data and θ₀, from its configuration. */
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type CompiledModel, parametersOf } from "../engine/compile.ts";
import { initialise } from "../engine/initialise.ts";
import { createRandom } from "../numerics/random.ts";
import { assembleBlueprint } from "./assemble-blueprint.ts";
import type { RunConfig } from "./config.ts";
import type { Dataset } from "./data/dataset.ts";
import { drawStratified } from "./data/draw.ts";
import { gatherExamples, meanInput, reconstructed, subtractInput } from "./data/examples.ts";
import { loadDataset } from "./data/load-dataset.ts";
import { fileModel } from "./file-model.ts";
import type { Blueprint } from "./run.ts";
import { taskNamed } from "./tasks/index.ts";
import { UserError } from "./user-error.ts";

/** A model for the examples of a data set; the caller disposes it. */
export interface SourcedModel {
  readonly model: LayersModel;
  readonly summary: string;
  /** Is it to give back its inputs? */
  readonly reconstructs: boolean;
  /** Does it come with its θ₀? */
  readonly holdsInitial: boolean;
}

/**
 * Reads the data, chooses the examples, draws θ₀. Needs an initialised tfjs backend; leaves no tensor behind.
 *
 * The probe seed decides every choice of examples, the training subset included: two runs that differ in the order seed
 * train and are measured on the same digits.
 * @throws {UserError} for a data set, a size or a model that cannot be.
 */
export async function createBlueprint(config: RunConfig): Promise<Blueprint> {
  const dataset = await loadDataset(config);
  const { model, summary, reconstructs, holdsInitial } =
    config.model === null
      ? taskModel(config, dataset)
      : await fileModel(config.model, dataset, { isDrawn: config.redraw });
  try {
    const inputShape = (model.inputs[0]?.shape ?? []).slice(1).map((size) => size ?? 0);
    const rows = trainingRows(config, dataset);
    let train = gatherExamples(dataset.train, rows, inputShape, dataset.outputs);
    let test = dataset.test === null ? null : gatherExamples(dataset.test, null, inputShape, dataset.outputs);
    if (config.center === "mean") {
      const mean = meanInput(train);
      subtractInput(train, mean);
      if (test !== null) subtractInput(test, mean);
    }
    if (reconstructs) {
      train = reconstructed(train);
      test = test === null ? null : reconstructed(test);
    }
    const centred =
      config.center === "mean"
        ? `${dataset.scaling}, minus the mean of the training examples`
        : dataset.scaling;
    const drawn = ({ parameters }: CompiledModel) =>
      initialise(parameters, config.init, createRandom(config.seeds.init).stream("initial"));
    return assembleBlueprint({
      config,
      model,
      modelSummary: summary,
      initial: holdsInitial ? (compiled) => parametersOf(model, compiled) : drawn,
      train,
      test,
      sourceRows: rows,
      preprocessing: reconstructs ? `${centred}; targets are the inputs` : centred,
    });
  } finally {
    model.dispose();
  }
}

function taskModel(config: RunConfig, { exampleShape, outputs }: Dataset): SourcedModel {
  const task = taskNamed(config.task);
  if (task === undefined)
    throw new UserError("task-unknown", `task: expected a built-in one, got ${config.task}`);
  return {
    model: task.build(config, exampleShape, outputs),
    summary: task.summary(config, exampleShape, outputs),
    reconstructs: task.reconstructs === true,
    holdsInitial: false,
  };
}

/** As many of each class as can be; null for all. */
function trainingRows(config: RunConfig, { train }: Dataset): Uint32Array | null {
  if (config.trainSize === train.size) return null;
  const random = createRandom(config.seeds.probe).stream("train");
  const labels = train.labels ?? new Uint8Array(train.size);
  const [rows] = drawStratified(labels, [config.trainSize], "balanced", random);
  return rows as Uint32Array;
}

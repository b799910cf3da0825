/** A built-in task's run, from its configuration. */
import { initialise } from "../engine/initialise.ts";
import { createRandom } from "../numerics/random.ts";
import { assembleBlueprint } from "./assemble-blueprint.ts";
import type { RunConfig } from "./config.ts";
import type { Dataset } from "./data/dataset.ts";
import { drawStratified } from "./data/draw.ts";
import { gatherExamples, meanInput, subtractInput } from "./data/examples.ts";
import { loadDataset } from "./data/load-dataset.ts";
import type { Blueprint } from "./run.ts";
import { taskNamed } from "./tasks/index.ts";
import { UserError } from "./user-error.ts";

/**
 * Reads the data, chooses the examples, draws θ₀. Needs an initialised tfjs backend; leaves no tensor behind.
 *
 * The probe seed decides every choice of examples, the training subset included: two runs that differ in the order seed
 * train and are measured on the same digits.
 * @throws {UserError} for a data set, a size or a model that cannot be.
 */
export async function createBlueprint(config: RunConfig): Promise<Blueprint> {
  const task = taskNamed(config.task);
  if (task === undefined)
    throw new UserError("task-unknown", `task: expected a built-in one, got ${config.task}`);
  const dataset = await loadDataset(config);
  const { classes, exampleShape } = dataset;
  const model = task.build(config, exampleShape, classes);
  try {
    const inputShape = (model.inputs[0]?.shape ?? []).slice(1).map((size) => size ?? 0);
    const rows = trainingRows(config, dataset);
    const train = gatherExamples(dataset.train, rows, inputShape, classes);
    const test = dataset.test === null ? null : gatherExamples(dataset.test, null, inputShape, classes);
    if (config.center === "mean") {
      const mean = meanInput(train);
      subtractInput(train, mean);
      if (test !== null) subtractInput(test, mean);
    }
    return assembleBlueprint({
      config,
      model,
      modelSummary: task.summary(config, exampleShape, classes),
      initial: ({ parameters }) =>
        initialise(parameters, config.init, createRandom(config.seeds.init).stream("initial")),
      train,
      test,
      sourceRows: rows,
      preprocessing:
        config.center === "mean"
          ? `${dataset.scaling}, minus the mean of the training examples`
          : dataset.scaling,
    });
  } finally {
    model.dispose();
  }
}

/** As many of each class as can be; null for all. */
function trainingRows(config: RunConfig, dataset: Dataset): Uint32Array | null {
  if (config.trainSize === dataset.train.size) return null;
  const random = createRandom(config.seeds.probe).stream("train");
  const [rows] = drawStratified(dataset.train.labels, [config.trainSize], "balanced", random);
  return rows as Uint32Array;
}

import type { RunConfig } from "../config.ts";
import { UserError } from "../user-error.ts";
import type { Dataset } from "./dataset.ts";
import { readIdxFolder } from "./idx-folder.ts";
import { readMnist } from "./mnist.ts";
import { twoSpiralsDataset } from "./two-spirals.ts";

const MOST_POINTS = 100_000;

/** @throws {UserError} `dataset-missing`, `dataset-cut`, `dataset-foreign`, `dataset-unknown`, `train-size`. */
export async function loadDataset(config: RunConfig): Promise<Dataset> {
  const dataset = await datasetNamed(config);
  if (config.trainSize > dataset.train.size) {
    throw new UserError(
      "train-size",
      `train-size: expected at most the ${dataset.train.size} training examples of ${dataset.name}, got ${config.trainSize}`,
    );
  }
  return dataset;
}

function datasetNamed(config: RunConfig): Promise<Dataset> | Dataset {
  const { dataset, trainSize, seeds } = config;
  if (dataset === "mnist") return readMnist();
  if (dataset === "two-spirals") {
    const size = Math.min(trainSize, MOST_POINTS);
    return twoSpiralsDataset({ train: size, test: size }, seeds.probe);
  }
  if (dataset.startsWith("idx:") && dataset.length > 4) return readIdxFolder(dataset, dataset.slice(4));
  throw new UserError(
    "dataset-unknown",
    `dataset: expected mnist, two-spirals or idx:<folder>, got ${JSON.stringify(dataset)}`,
  );
}

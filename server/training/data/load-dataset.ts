import type { RunConfig } from "../config.ts";
import { UserError } from "../user-error.ts";
import { readCsvDataset } from "./csv-dataset.ts";
import type { Dataset } from "./dataset.ts";
import { expectFashionMnist, readFashionMnist } from "./fashion-mnist.ts";
import { gaussianDataset } from "./gaussian.ts";
import { expectIdxFolder, readIdxFolder } from "./idx-folder.ts";
import { readMnist } from "./mnist.ts";
import { readNpyDataset } from "./npy-dataset.ts";
import { teacherStudentDataset } from "./teacher-student.ts";
import { twoSpiralsDataset } from "./two-spirals.ts";

/** Completes "expected …". */
export const DATASETS =
  "mnist, fashion-mnist, two-spirals, gaussian, teacher-student, csv:<file>, npy:<x>,<y> or idx:<folder>";

const MOST_POINTS = 100_000;

/** Drawn, as many as a run wants, and the same from the same seed. */
const DRAWN = {
  "two-spirals": twoSpiralsDataset,
  gaussian: gaussianDataset,
  "teacher-student": teacherStudentDataset,
};

export type DatasetSettings = Pick<RunConfig, "dataset" | "label" | "targets" | "seeds"> & {
  /** Null: all there are. */
  readonly trainSize: number | null;
};

/** Are these files of the user's own, which say themselves how many examples there are and what is to be learned? */
export function isOwnData(dataset: string): boolean {
  return dataset.startsWith("csv:") || dataset.startsWith("npy:");
}

/** Does the name lead to files that the user names? Whoever asks from elsewhere must not. */
export function namesFiles(dataset: string): boolean {
  return dataset.includes(":");
}

/** @throws {UserError} `dataset-missing`, `dataset-cut`, `dataset-foreign`, `dataset-size`, `dataset-unknown`, `train-size`. */
export async function loadDataset(settings: DatasetSettings): Promise<Dataset> {
  const { trainSize } = settings;
  const dataset = await datasetNamed(settings);
  if (trainSize !== null && trainSize > dataset.train.size) {
    throw new UserError(
      "train-size",
      `train-size: expected at most the ${dataset.train.size} training examples of ${dataset.name}, got ${trainSize}`,
    );
  }
  return dataset;
}

/**
 * Are the files there that loading would read from a folder? They are large, and this only looks for them: so that a missing one is said at once.
 * @throws {UserError} `dataset-missing`.
 */
export async function expectFiles(dataset: string): Promise<void> {
  if (isFashionMnist(dataset)) await expectFashionMnist(dataset);
  else if (isIdxFolder(dataset)) await expectIdxFolder(dataset.slice(4));
}

function datasetNamed(settings: DatasetSettings): Promise<Dataset> | Dataset {
  const { dataset, trainSize, seeds } = settings;
  if (dataset === "mnist") return readMnist();
  if (isFashionMnist(dataset)) return readFashionMnist(dataset);
  if (isDrawn(dataset)) {
    const size = Math.min(trainSize ?? 1000, MOST_POINTS);
    return DRAWN[dataset]({ train: size, test: size }, seeds.probe);
  }
  if (isIdxFolder(dataset)) return readIdxFolder(dataset, dataset.slice(4));
  if (dataset.startsWith("csv:") && dataset.length > 4) return readCsvDataset(dataset, settings);
  if (dataset.startsWith("npy:")) return readNpyDataset(dataset, settings.targets);
  throw new UserError("dataset-unknown", `dataset: expected ${DATASETS}, got ${JSON.stringify(dataset)}`);
}

function isFashionMnist(dataset: string): boolean {
  return dataset === "fashion-mnist" || dataset.startsWith("fashion-mnist:");
}

function isIdxFolder(dataset: string): boolean {
  return dataset.startsWith("idx:") && dataset.length > 4;
}

function isDrawn(dataset: string): dataset is keyof typeof DRAWN {
  return Object.hasOwn(DRAWN, dataset);
}

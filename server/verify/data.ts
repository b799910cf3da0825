/** The examples that a recording was made on, read again from the data set that its header names. */
import { createRandom } from "../numerics/random.ts";
import type { RunConfig } from "../training/config.ts";
import { examplesChecksum } from "../training/data/checksum.ts";
import { drawStratified } from "../training/data/draw.ts";
import {
  gatherExamples,
  labelsOf,
  meanInput,
  reconstructed,
  selectExamples,
  subtractInput,
} from "../training/data/examples.ts";
import { loadDataset } from "../training/data/load-dataset.ts";
import type { Examples } from "../training/run.ts";
import { UserError } from "../training/user-error.ts";
import { Inputs } from "./inputs.ts";
import type { Part } from "./objective.ts";

export interface RecordedData {
  readonly trainSize: number;
  /** sha256 of the probe as read now, to be compared with the header's. */
  readonly sha256: string;
  /** Rows of the data set that are the probe, as the seeds draw them now. */
  readonly probeRows: readonly number[];
  probe(): Part;
  /** A second probe, disjoint from the first; null where there are too few examples. */
  secondProbe(): Part | null;
  /** In parts, so that what a network leaves behind on its way through one fits into memory. */
  test(): readonly Part[] | null;
  /** All training examples, or those of these indices. */
  train(indices?: Uint32Array): Part;
}

export type DataResult =
  | { readonly ok: true; readonly data: RecordedData }
  | { readonly ok: false; readonly why: string };

/** Test examples at a time. */
const TEST_PART = 1000;

/** Chooses and centres the examples as training did: by the probe seed. */
export async function readData(config: RunConfig, inputs: number): Promise<DataResult> {
  if (config.task === "own")
    return {
      ok: false,
      why: `the data come from a module (${config.dataset}), which a recording does not hold`,
    };
  try {
    const dataset = await loadDataset(config);
    const random = createRandom(config.seeds.probe);
    const isWhole = config.trainSize === dataset.train.size;
    const rows = isWhole
      ? null
      : (drawStratified(
          dataset.train.labels ?? new Uint8Array(dataset.train.size),
          [config.trainSize],
          "balanced",
          random.stream("train"),
        )[0] ?? null);
    let train = gatherExamples(dataset.train, rows, [inputs], dataset.outputs);
    let test = dataset.test === null ? null : gatherExamples(dataset.test, null, [inputs], dataset.outputs);
    if (config.center === "mean") {
      const mean = meanInput(train);
      subtractInput(train, mean);
      if (test !== null) subtractInput(test, mean);
    }
    if (config.task === "linear-autoencoder") {
      train = reconstructed(train);
      test = test === null ? null : reconstructed(test);
    }
    return { ok: true, data: recordedData(config, train, test, rows) };
  } catch (cause) {
    if (cause instanceof UserError) return { ok: false, why: cause.message };
    throw cause;
  }
}

function recordedData(
  config: RunConfig,
  train: Examples,
  test: Examples | null,
  rows: Uint32Array | null,
): RecordedData {
  const [first, second] = probesOf(config, train);
  const whole = once(() => partOf(train));
  const probe = once(() => (first.length === train.size ? whole() : partOf(selectExamples(train, first))));
  const other = second === null ? null : once(() => partOf(selectExamples(train, second)));
  const tested = test === null ? null : once(() => partsOf(test));
  return {
    trainSize: train.size,
    sha256: examplesChecksum(train, first),
    probeRows: Array.from(first, (index) => rows?.[index] ?? index),
    probe,
    secondProbe: () => other?.() ?? null,
    test: () => tested?.() ?? null,
    train: (indices) => (indices === undefined ? whole() : partOf(selectExamples(train, indices))),
  };
}

function probesOf({ probeSize, seeds }: RunConfig, train: Examples): [Uint32Array, Uint32Array | null] {
  if (probeSize >= train.size) return [Uint32Array.from({ length: train.size }, (_, i) => i), null];
  const sizes = 2 * probeSize <= train.size ? [probeSize, probeSize] : [probeSize];
  const labels = labelsOf(train) ?? new Int32Array(train.size);
  const drawn = drawStratified(labels, sizes, "proportional", createRandom(seeds.probe).stream("probe"));
  return [drawn[0] as Uint32Array, drawn[1] ?? null];
}

function partOf({ inputs, targets, size }: Examples): Part {
  return { inputs: new Inputs(inputs, size), targets };
}

function partsOf(examples: Examples): Part[] {
  const parts: Part[] = [];
  for (let from = 0; from < examples.size; from += TEST_PART) {
    const size = Math.min(TEST_PART, examples.size - from);
    parts.push(
      partOf(
        selectExamples(
          examples,
          Uint32Array.from({ length: size }, (_, i) => from + i),
        ),
      ),
    );
  }
  return parts;
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** What the user's own files say of a run before it is resolved. */
import type { ModelFile, RunSettings } from "./config.ts";
import { isOwnData, loadDataset } from "./data/load-dataset.ts";
import type { TargetKind } from "./data/own-targets.ts";
import { readModelFile } from "./model-file.ts";

export interface FilesFound {
  /** Null for data that are not the user's own files. */
  readonly data: { readonly trainSize: number; readonly targets: TargetKind } | null;
  readonly model: ModelFile | null;
}

/**
 * Reads the files that settings name, and forgets all but what {@link FilesFound} has: a bad one is refused before anything begins.
 * @returns null where no file has anything to say.
 * @throws {UserError} for a file that is missing, or is none of its kind.
 */
export async function lookAtFiles(settings: RunSettings): Promise<FilesFound | null> {
  const { dataset, model, label = null, targets = null } = settings;
  const isOwn = dataset !== undefined && isOwnData(dataset);
  if (!isOwn && model === undefined) return null;
  return {
    data: isOwn ? await lookAtData(dataset, label, targets) : null,
    model: model === undefined ? null : { file: model, sha256: (await readModelFile(model)).sha256 },
  };
}

async function lookAtData(
  dataset: string,
  label: string | null,
  targets: TargetKind | null,
): Promise<FilesFound["data"]> {
  const seeds = { init: 0, order: 0, probe: 0, vectors: 0 }; // nothing is drawn
  const { train } = await loadDataset({ dataset, label, targets, seeds, trainSize: null });
  return { trainSize: train.size, targets: train.labels === null ? "numbers" : "classes" };
}

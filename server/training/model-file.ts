/** model.json and its weight files, as tfjs-layers and the Keras converter write them: read, counted, and not yet a model. */
import { createHash } from "node:crypto";
import { open, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, sep } from "node:path";
import type { io } from "@tensorflow/tfjs-core";
import { isRecord, kind } from "./own-data.ts";
import { inOneLine, UserError } from "./user-error.ts";

export interface ModelFileContents {
  /** The layers as JSON, in Keras' names. */
  readonly topology: Readonly<Record<string, unknown>>;
  /** Null where the file has a topology only. */
  readonly weights: { readonly specs: io.WeightsManifestEntry[]; readonly data: ArrayBuffer } | null;
  /** Of model.json and then its weight files, in the order in which it lists them. */
  readonly sha256: string;
}

/** Of layers; weights are in files of their own. */
const LONGEST_TOPOLOGY = 2 ** 25;
/** Some sixty million weights, three times what can be measured: optimizers leave theirs in such files too. */
const MOST_WEIGHT_BYTES = 2 ** 28;

/** Of the types that layers have weights in, and those that files pack them into. */
const BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

/**
 * Weight files lie in the folder of model.json or below; nothing outside it is read. Sizes are compared before memory is taken.
 * @throws {UserError} `model-missing`, `model-foreign`, `model-too-big`, in one sentence that names the file.
 */
export async function readModelFile(path: string): Promise<ModelFileContents> {
  const name = basename(path);
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) {
    throw new UserError(
      "model-missing",
      `${path}: expected a model.json, found ${found ? "a folder" : "no file"}`,
    );
  }
  if (found.size > LONGEST_TOPOLOGY) {
    throw new UserError(
      "model-too-big",
      `${name}: expected at most ${LONGEST_TOPOLOGY} bytes of layers, found ${found.size}`,
    );
  }
  const text = await readFile(path);
  const hash = createHash("sha256").update(text);
  const json = parsed(text.toString("utf8"), name);
  const topology = topologyOf(json, name);
  const manifest = json["weightsManifest"];
  if (manifest === undefined || json === topology)
    return { topology, weights: null, sha256: hash.digest("hex") };
  const groups = readManifest(manifest, name);
  const total = groups.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > MOST_WEIGHT_BYTES) {
    throw new UserError(
      "model-too-big",
      `${name}: expected at most ${MOST_WEIGHT_BYTES} bytes of weights, found ${total}`,
    );
  }
  const folder = await realpath(dirname(path));
  const data = new Uint8Array(total);
  let at = 0;
  for (const { paths, bytes } of groups) {
    const files = await Promise.all(paths.map((each) => weightFile(each, folder, name)));
    const there = files.reduce((sum, { size }) => sum + size, 0);
    if (there !== bytes)
      throw foreign(name, `expected ${bytes} bytes in ${paths.join(", ")}, found ${there}`);
    for (const { file, size } of files) {
      await fill(data.subarray(at, at + size), file, name);
      at += size;
    }
  }
  hash.update(data);
  const specs = groups.flatMap((group) => group.specs);
  return { topology, weights: { specs, data: data.buffer }, sha256: hash.digest("hex") };
}

function parsed(text: string, name: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    if (isRecord(json)) return json;
    throw foreign(name, `expected an object, found ${kind(json)}`);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw foreign(name, `expected JSON, found none (${inOneLine(cause)})`);
  }
}

/** Of what `model.save` of tfjs writes, of the converter's output, and of Keras' `model.to_json()` alone. */
function topologyOf(
  json: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  if (json["format"] === "graph-model") {
    throw foreign(
      name,
      "expected a layers model, found a graph model; convert it with --output_format=tfjs_layers_model",
    );
  }
  let topology: unknown = json["modelTopology"] ?? json;
  if (isRecord(topology) && isRecord(topology["model_config"])) topology = topology["model_config"];
  if (
    isRecord(topology) &&
    typeof topology["class_name"] === "string" &&
    typeof topology["config"] === "object"
  ) {
    return topology;
  }
  throw foreign(name, "expected the modelTopology of a tfjs-layers or Keras model, found none");
}

interface WeightGroup {
  readonly paths: readonly string[];
  readonly specs: io.WeightsManifestEntry[];
  readonly bytes: number;
}

function readManifest(manifest: unknown, name: string): WeightGroup[] {
  if (!Array.isArray(manifest))
    throw foreign(name, `expected a list as weightsManifest, found ${kind(manifest)}`);
  return manifest.map((group: unknown) => {
    const { paths, weights } = isRecord(group) ? group : {};
    if (
      !Array.isArray(paths) ||
      !paths.every((path) => typeof path === "string") ||
      !Array.isArray(weights)
    ) {
      throw foreign(name, "expected { paths, weights } in weightsManifest, found other things");
    }
    const bytes = weights.reduce((sum: number, spec: unknown) => sum + bytesOf(spec, name), 0);
    return { paths: paths as string[], specs: weights as io.WeightsManifestEntry[], bytes };
  });
}

function bytesOf(spec: unknown, name: string): number {
  const { name: weight, shape, dtype, quantization } = isRecord(spec) ? spec : {};
  const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (typeof weight !== "string" || !isShape)
    throw foreign(name, "expected name and shape of each weight, found other things");
  const stored = isRecord(quantization) ? quantization["dtype"] : dtype;
  const width = BYTES[String(stored)];
  if (width === undefined)
    throw foreign(
      name,
      `${weight}: expected one of the types ${Object.keys(BYTES).join(", ")}, found ${String(stored)}`,
    );
  return (shape as number[]).reduce((product, size) => product * size, width);
}

/** The file behind a path of the manifest, if it lies in the model's folder, links followed. */
async function weightFile(
  path: string,
  folder: string,
  name: string,
): Promise<{ file: string; size: number }> {
  const leaves = isAbsolute(path) || /^[a-z]+:|\\/i.test(path) || path.split("/").includes("..");
  const file = leaves ? null : await realpath(join(folder, path)).catch(() => null);
  const size =
    file === null
      ? null
      : await stat(file).then(
          (found) => (found.isFile() ? found.size : null),
          () => null,
        );
  if (leaves || (file !== null && !file.startsWith(folder + sep))) {
    throw foreign(name, `expected weight files beside it or in folders below, found ${JSON.stringify(path)}`);
  }
  if (file === null || size === null) {
    throw new UserError(
      "model-missing",
      `${name}: expected its weights in ${path}, found no such file beside it`,
    );
  }
  return { file, size };
}

async function fill(bytes: Uint8Array, path: string, name: string): Promise<void> {
  const file = await open(path, "r");
  try {
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0)
        throw foreign(name, `expected ${bytes.length} bytes in ${basename(path)}, found ${filled}`);
      filled += bytesRead;
    }
  } finally {
    await file.close();
  }
}

function foreign(name: string, message: string): UserError {
  return new UserError("model-foreign", `${name}: ${message}`);
}

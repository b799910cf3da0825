/** A model from model.json, for the examples of a data set. */
import { dispose, io, type NamedTensorMap, serialization } from "@tensorflow/tfjs-core";
import { type LayersModel, layers, models } from "@tensorflow/tfjs-layers";
import type { SourcedModel } from "./blueprint.ts";
import type { ModelFile } from "./config.ts";
import type { Dataset } from "./data/dataset.ts";
import { asKeras2, layersIn } from "./keras3.ts";
import { type ModelFileContents, readModelFile } from "./model-file.ts";
import { modelSummary } from "./model-summary.ts";
import { MOST_PARAMETERS, sizeOf } from "./tasks/dense-stack.ts";
import { UserError } from "./user-error.ts";

/**
 * Needs an initialised tfjs backend; the caller disposes the model.
 * @param options.isDrawn  θ₀ is drawn elsewhere: a file without weights will do.
 * @throws {UserError} `model-missing`, `model-foreign`, `model-too-big`, `unknown-layer`; `data-differ` when the file is not the one meant.
 */
export async function fileModel(
  { file, sha256 }: ModelFile,
  dataset: Dataset,
  { isDrawn }: { readonly isDrawn: boolean },
): Promise<SourcedModel> {
  const contents = await readModelFile(file);
  if (contents.sha256 !== sha256) {
    throw new UserError(
      "data-differ",
      `${file}: expected the model with sha256 ${sha256}, found another (${contents.sha256})`,
    );
  }
  const problem = (code: string, message: string) => new UserError(code, `${file}: ${message}`);
  if (contents.weights === null && !isDrawn) {
    throw problem("model-foreign", "expected a weightsManifest, found layers only; --redraw draws θ₀");
  }
  const topology = asKnown(contents.topology, problem);
  const model = await build(topology, contents.weights, problem);
  const fit = fitProblem(model, dataset);
  if (fit !== null) {
    model.dispose();
    throw problem("model-foreign", fit);
  }
  const origin = isDrawn ? "θ₀ drawn" : `θ₀ from ${file}`;
  return { model, summary: `${modelSummary(model)}, ${origin}`, reconstructs: false, holdsInitial: !isDrawn };
}

type ModelJson = Parameters<typeof models.modelFromJSON>[0];

type Problem = (code: string, message: string) => UserError;

/** In the form that tfjs reads, and made of layers that it has. */
function asKnown(topology: ModelFileContents["topology"], problem: Problem): Record<string, unknown> {
  for (const { name, className } of layersIn(topology)) {
    if (className in serialization.SerializationMap.getMap().classNameMap) continue;
    throw problem("unknown-layer", `layer "${name}" (${className}): tfjs-layers has no such layer`);
  }
  try {
    return asKeras2(topology) as Record<string, unknown>;
  } catch (cause) {
    throw problem(
      "model-foreign",
      `expected layers called with tensors, found otherwise (${(cause as Error).message})`,
    );
  }
}

async function build(
  modelTopology: Record<string, unknown>,
  weights: ModelFileContents["weights"],
  problem: Problem,
): Promise<LayersModel> {
  const guard = guardAllocation(problem);
  const given: NamedTensorMap = {};
  try {
    const model = await models.modelFromJSON({ modelTopology } as ModelJson);
    if (weights === null) return model;
    Object.assign(given, io.decodeWeights(weights.data, withoutModelName(weights.specs, modelTopology)));
    model.loadWeights(given);
    return model;
  } catch (cause) {
    for (const each of guard.made) each.dispose();
    if (cause instanceof UserError) throw cause;
    throw problem("model-foreign", `tfjs-layers cannot read it (${(cause as Error).message.split("\n")[0]})`);
  } finally {
    dispose(given);
    guard.release();
  }
}

/**
 * Layers take memory for their weights while they are made, before anybody has compared them with those in the file; a line of JSON can ask
 * for any amount. While the guard stands, what they ask for is counted first, and what they get is remembered.
 */
function guardAllocation(problem: Problem) {
  const { prototype } = layers.Layer as unknown as { prototype: WeightedLayer };
  const { addWeight } = prototype;
  const made: Disposable[] = [];
  let count = 0;
  prototype.addWeight = function counted(name, shape, ...rest) {
    count += sizeOf(shape.map((size) => size ?? 0));
    if (count > MOST_PARAMETERS) {
      throw problem("model-too-big", `expected a model of at most ${MOST_PARAMETERS} weights, found more`);
    }
    const weight = addWeight.call(this, name, shape, ...rest);
    made.push(weight);
    return weight;
  };
  return {
    made,
    release() {
      prototype.addWeight = addWeight;
    },
  };
}

interface Disposable {
  dispose(): void;
}

interface WeightedLayer {
  addWeight(name: string, shape: readonly (number | null)[], ...rest: unknown[]): Disposable;
}

/** "sequential/dense/kernel" is written where tfjs looks for "dense/kernel"; an optimizer's weights are not the model's. */
function withoutModelName(
  specs: readonly io.WeightsManifestEntry[],
  { config }: Record<string, unknown>,
): io.WeightsManifestEntry[] {
  const prefix = `${String((config as { name?: unknown } | null)?.name)}/`;
  return specs.map((spec) =>
    spec.name.startsWith(prefix) && spec.name.split("/").length > 2
      ? { ...spec, name: spec.name.slice(prefix.length) }
      : spec,
  );
}

/** What of its input or output is not the data's; null when all is. */
function fitProblem(model: LayersModel, { name, exampleShape, outputs }: Dataset): string | null {
  const input = (model.inputs[0]?.shape ?? []).slice(1);
  const output = (model.outputs[0]?.shape ?? []).slice(1);
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    return `expected one input and one output, found ${model.inputs.length} and ${model.outputs.length}`;
  }
  if (sizeOf(input.map((size) => size ?? 0)) !== sizeOf(exampleShape)) {
    return `expected an input for examples of shape [${exampleShape.join(", ")}] as ${name} has them, found [${input.join(", ")}]`;
  }
  return output.length === 1 && output[0] === outputs
    ? null
    : `expected ${outputs} outputs as ${name} has classes or targets, found [${output.join(", ")}]`;
}

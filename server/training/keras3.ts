/** Layers as Keras 3 writes them, in the older form that tfjs-layers reads. */
import { isRecord, kind } from "./own-data.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * Three things are written otherwise since Keras 3, and a topology that has none of them comes back as it is: an input's `batch_shape` was
 * `batch_input_shape`; types are policies, objects with a name; and calls of a functional model are lists of arguments in which tensors name
 * the layer that they come from (`keras_history`), not lists of such names.
 */
export function asKeras2(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asKeras2);
  if (!isRecord(value)) return value;
  if (value["class_name"] === "DTypePolicy" && isRecord(value["config"])) return value["config"]["name"];
  const entries = Object.entries(value)
    .filter(([key]) => !DROPPED.includes(key))
    .map(([key, part]): [string, unknown] => {
      if (key === "batch_shape") return ["batch_input_shape", part];
      if (key === "inbound_nodes" && Array.isArray(part)) return [key, part.map(calledWith)];
      // A model with one input names it as one layer, no longer as a list of one.
      if ((key === "input_layers" || key === "output_layers") && isLayerName(part)) return [key, [part]];
      return [key, asKeras2(part)];
    });
  return Object.fromEntries(entries);
}

/** Where Python would find the class; tfjs goes by its name. */
const DROPPED: readonly string[] = ["module", "registered_name", "build_config", "compile_config"];

function isLayerName(part: unknown): boolean {
  return Array.isArray(part) && typeof part[0] === "string";
}

/** One call of a layer: its tensors as [layer, call of that layer, output, arguments]. */
function calledWith(node: unknown): unknown {
  if (!isRecord(node) || !Array.isArray(node["args"])) return node;
  return node["args"].flat().map((argument: unknown) => {
    const history =
      isRecord(argument) && isRecord(argument["config"]) ? argument["config"]["keras_history"] : null;
    if (!Array.isArray(history))
      throw new TypeError(`a layer is called with ${kind(argument)}, expected tensors`);
    return [...history, {}];
  });
}

/** All layers, those within layers too, with the name and class of each. */
export function layersIn(topology: Json): { readonly name: string; readonly className: string }[] {
  const config = topology["config"];
  const listed = Array.isArray(config) ? config : isRecord(config) ? config["layers"] : null;
  if (!Array.isArray(listed)) return [];
  return listed.filter(isRecord).flatMap((layer) => {
    const own = isRecord(layer["config"]) ? layer["config"] : {};
    const named = {
      name: String(own["name"] ?? layer["name"] ?? "?"),
      className: String(layer["class_name"]),
    };
    const wrapped = isRecord(own["layer"]) ? layersIn({ config: [own["layer"]] }) : [];
    return [named, ...layersIn(layer), ...wrapped];
  });
}

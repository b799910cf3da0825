/** What a recording's header says of its network, as far as it is a chain of layers that have rules here. */
import type { SessionHeader } from "../../shared/header.ts";
import { activations } from "./activations.ts";
import type { Layer } from "./layers.ts";
import { type LayerJson, type Place, readLayer } from "./read-layer.ts";

export type LossName = "cross-entropy" | "mse" | "half-sum-mse";

export interface Network {
  readonly layers: readonly Layer[];
  readonly parameterCount: number;
  readonly loss: LossName;
}

/** A network, or why it cannot be computed here. */
export type NetworkResult =
  | { readonly ok: true; readonly network: Network }
  | { readonly ok: false; readonly why: string };

const LOSSES: readonly string[] = ["cross-entropy", "mse", "half-sum-mse"];

/** Layers as the model's JSON lists them. */
export function readNetwork(
  header: Pick<SessionHeader, "model" | "loss" | "parameters" | "parameterCount">,
): NetworkResult {
  const refused = (why: string): NetworkResult => ({ ok: false, why });
  const loss = header.loss.name;
  if (!LOSSES.includes(loss)) return refused(`there is no float64 rule for the loss ${loss}`);
  const layers: Layer[] = [];
  const listed = layersOf(header.model);
  let place: Place = { shape: exampleShape(listed[0]), offset: 0 };
  for (const [index, json] of listed.entries()) {
    const { class_name: kind, config = {} } = json;
    const name = String(config["name"] ?? kind);
    const read = readLayer(json, place, header.parameters);
    if (!read.ok) return refused(read.why);
    if (!isNext(json, listed[index - 1])) return refused(`layer ${name} is not one of a chain, used once`);
    place = read.after;
    if (read.layer !== null) layers.push(read.layer);
    const activation = activationOf(kind, config);
    const isFolded = activation === "softmax" && loss === "cross-entropy" && index === listed.length - 1;
    if (activation === "linear" || isFolded) continue;
    const layer = layers.pop();
    if (!(activation in activations) || layer === undefined || layer.activation !== "linear")
      return refused(`there is no float64 rule for the activation ${activation} of layer ${name}`);
    layers.push({ ...layer, activation });
  }
  if (layers.length === 0 || place.offset !== header.parameterCount)
    return refused(`its layers have ${place.offset} parameters, the header ${header.parameterCount}`);
  return {
    ok: true,
    network: { layers, parameterCount: header.parameterCount, loss: loss as LossName },
  };
}

/** Of one example's way through the network. */
export function multiplyAdds({ layers }: Network): number {
  return layers.reduce((sum, { outputs, terms }) => sum + outputs * (terms + 1), 0);
}

function activationOf(kind: unknown, config: Readonly<Record<string, unknown>>): string {
  if (kind === "ReLU") return "relu";
  if (kind === "Softmax") return "softmax";
  return String(config["activation"] ?? "linear");
}

/** Of a sequential or a functional model. */
function layersOf(model: unknown): readonly LayerJson[] {
  const config = (model as { config?: unknown } | null)?.config;
  if (Array.isArray(config)) return config;
  const layers = (config as { layers?: unknown } | null)?.layers;
  return Array.isArray(layers) ? layers : [];
}

/** Without the batch. */
function exampleShape(first: LayerJson | undefined): number[] {
  const shape = first?.config?.["batch_input_shape"];
  return Array.isArray(shape) ? shape.slice(1).map(Number) : [];
}

/** Is the layer used once, on what the one before it in the list made? A sequential model says nothing of that: it always is. */
function isNext({ inbound_nodes: nodes }: LayerJson, before: LayerJson | undefined): boolean {
  if (!Array.isArray(nodes)) return true;
  if (before === undefined) return nodes.length === 0;
  const [inbound] = nodes;
  return (
    nodes.length === 1 &&
    Array.isArray(inbound) &&
    inbound.length === 1 &&
    inbound[0]?.[0] === before.config?.["name"]
  );
}

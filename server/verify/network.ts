/** What a recording's header says of its network, as far as it is made of dense layers. */
import type { SessionHeader } from "../../shared/header.ts";
import { activations } from "./activations.ts";

export type LossName = "cross-entropy" | "mse" | "half-sum-mse";

export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** Where the kernel [inputs × outputs] and the bias [outputs] begin in θ. */
  readonly kernelAt: number;
  readonly biasAt: number | null;
  /** A key of `activations`. */
  readonly activation: string;
}

export interface Network {
  readonly layers: readonly DenseLayer[];
  readonly parameterCount: number;
  readonly loss: LossName;
}

/** A network, or why it cannot be computed here. */
export type NetworkResult =
  | { readonly ok: true; readonly network: Network }
  | { readonly ok: false; readonly why: string };

interface LayerJson {
  readonly class_name?: unknown;
  readonly config?: Readonly<Record<string, unknown>>;
}

const LOSSES: readonly string[] = ["cross-entropy", "mse", "half-sum-mse"];

/** Layers as the model's JSON lists them, placed where the header's parameters lie; the two must agree. */
export function readNetwork(
  header: Pick<SessionHeader, "model" | "loss" | "parameters" | "parameterCount">,
): NetworkResult {
  const refused = (why: string): NetworkResult => ({ ok: false, why });
  const loss = header.loss.name;
  if (!LOSSES.includes(loss)) return refused(`there is no float64 rule for the loss ${loss}`);
  const layers: DenseLayer[] = [];
  let offset = 0;
  const listed = layersOf(header.model);
  for (const [index, { class_name: kind, config = {} }] of listed.entries()) {
    const name = String(config["name"] ?? kind);
    const previous = layers.at(-1);
    switch (kind) {
      case "InputLayer":
      case "Flatten":
      case "Reshape":
        break;
      case "Dense": {
        const outputs = Number(config["units"]);
        const parameter = header.parameters.find((each) => each.offset === offset);
        const inputs = previous?.outputs ?? parameter?.shape[0] ?? 0;
        const hasBias = config["use_bias"] !== false;
        const kernelAt = offset;
        offset += inputs * outputs + (hasBias ? outputs : 0);
        const biasAt = hasBias ? kernelAt + inputs * outputs : null;
        if (parameter?.shape.join() !== [inputs, outputs].join())
          return refused(`layer ${name} is not where the header's list of parameters has it`);
        layers.push({ inputs, outputs, kernelAt, biasAt, activation: "linear" });
        break;
      }
      case "Activation":
      case "ReLU":
      case "Softmax":
        break;
      default:
        return refused(`there is no float64 rule for layer ${name} (${String(kind)})`);
    }
    const activation = activationOf(kind, config);
    const isFolded = activation === "softmax" && loss === "cross-entropy" && index === listed.length - 1;
    if (activation === "linear" || isFolded) continue;
    const layer = layers.pop();
    if (!(activation in activations) || layer === undefined || layer.activation !== "linear")
      return refused(`there is no float64 rule for the activation ${activation} of layer ${name}`);
    layers.push({ ...layer, activation });
  }
  if (layers.length === 0 || offset !== header.parameterCount)
    return refused(`its layers have ${offset} parameters, the header ${header.parameterCount}`);
  return {
    ok: true,
    network: { layers, parameterCount: header.parameterCount, loss: loss as LossName },
  };
}

function activationOf(kind: unknown, config: Readonly<Record<string, unknown>>): string {
  if (kind === "ReLU") return "relu";
  if (kind === "Softmax") return "softmax";
  return String(config["activation"] ?? "linear");
}

/** Of a sequential or a linear functional model. */
function layersOf(model: unknown): readonly LayerJson[] {
  const config = (model as { config?: unknown } | null)?.config;
  if (Array.isArray(config)) return config;
  const layers = (config as { layers?: unknown } | null)?.layers;
  return Array.isArray(layers) ? layers : [];
}

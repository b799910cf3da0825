import type { LayersModel } from "@tensorflow/tfjs-layers";

/** "784-100-10 tanh": shape of an example, outputs of each layer with weights, activations in order of appearance. */
export function modelSummary(model: LayersModel): string {
  const input = (model.inputs[0]?.shape ?? []).slice(1).join("×");
  const sizes = model.layers
    .filter((layer) => layer.trainableWeights.length > 0)
    .map((layer) => (layer.outputShape as readonly (number | null)[]).slice(1).join("×"));
  const activations = model.layers.flatMap((layer) => {
    const activation = layer.getConfig()["activation"];
    if (layer.getClassName() === "ReLU") return ["relu"];
    return typeof activation === "string" && activation !== "linear" ? [activation] : [];
  });
  return [[input, ...sizes].join("-"), ...new Set(activations)].join(" ");
}

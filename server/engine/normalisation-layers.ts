/** Batch-norm and layer-norm of tfjs-layers as rules. */
import { type Config, type Placed, unsupported, valuesOf } from "./placed-layer.ts";
import { channelScaleRule } from "./rules/channel-scale.ts";
import { frozenRule } from "./rules/frozen.ts";
import { sizeOf } from "./rules/linear.ts";
import { normaliseRule } from "./rules/normalise.ts";
import type { Rule } from "./rules/rule.ts";

export function batchNormalization(at: Placed, config: Config): Rule[] {
  const { layer, inputShape } = at;
  const axis = Number(config["axis"]);
  if (axis !== -1 && axis !== inputShape.length)
    throw unsupported(layer, `its axis is ${axis}, expected the last`);
  const channels = inputShape.at(-1) ?? 0;
  const epsilon = Number(config["epsilon"]);
  const scale = channelScale(at, config, [channels]);
  if (at.batchNorm === "examples" && !at.isFrozen) {
    return [
      normaliseRule(layer.name, { shape: inputShape, width: channels, over: "columns", epsilon }),
      ...scale,
    ];
  }
  const [mean, variance] = layer.weights.slice(-2).map(valuesOf) as [Float32Array, Float32Array];
  const gamma = variance.map((value) => 1 / Math.sqrt(value + epsilon));
  const beta = mean.map((value, c) => -value * (gamma[c] as number));
  const fixed = channelScaleRule(layer.name, {
    shape: inputShape,
    channels: [channels],
    hasGamma: true,
    hasBeta: true,
  });
  return [frozenRule(fixed, [gamma, beta]), ...scale];
}

export function layerNormalization(at: Placed, config: Config): Rule[] {
  const { layer, inputShape } = at;
  const axes = [config["axis"]]
    .flat()
    .map((axis) => (Number(axis) + inputShape.length + 1) % (inputShape.length + 1));
  const first = Math.min(...axes);
  if (first < 1 || axes.length !== inputShape.length + 1 - first)
    throw unsupported(layer, `its axes are ${axes}, expected the last ones`);
  const channels = inputShape.slice(first - 1);
  const normalised = normaliseRule(layer.name, {
    shape: inputShape,
    width: sizeOf(channels),
    over: "rows",
    epsilon: Number(config["epsilon"]),
  });
  return [normalised, ...channelScale(at, config, channels)];
}

function channelScale(at: Placed, config: Config, channels: readonly number[]): Rule[] {
  const hasGamma = config["scale"] !== false;
  const hasBeta = config["center"] !== false;
  if (!hasGamma && !hasBeta) return [];
  return [channelScaleRule(at.layer.name, { shape: at.inputShape, channels, hasGamma, hasBeta })];
}

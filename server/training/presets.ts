/** Calibrated runs, each chosen because something can be seen in it. */
import type { RunSettings } from "./config.ts";

export interface Preset {
  readonly name: string;
  readonly title: string;
  /** What to look for. */
  readonly about: string;
  /** Complete: settings of the user go over these. */
  readonly settings: RunSettings & { readonly task: string };
}

/** Cohen et al. 2021 (arXiv:2103.00065) with MNIST: full batch, ½·sum of squares, tanh. */
const EDGE = {
  task: "mnist-mlp",
  dataset: "mnist",
  trainSize: 1000,
  center: "mean",
  hidden: [100],
  activation: "tanh",
  init: "lecun",
  loss: "half-sum-mse",
  steps: 1500,
  batchSize: "full",
  optimizer: "gd",
  learningRate: 0.2,
  // Fixed, so that two runs measure the same steps whatever the machine; elsewhere training waits a little.
  every: {
    hessian: 50,
    line: 100,
    eval: 100,
    density: 500,
    "per-layer": 500,
    "gauss-newton": 500,
    directional: 100,
    sam: 100,
  },
} as const satisfies RunSettings;

const CLASSIC = {
  task: "mnist-mlp",
  dataset: "mnist",
  trainSize: 60_000,
  center: "none",
  hidden: [100],
  activation: "relu",
  init: "glorot",
  loss: "cross-entropy",
  epochs: 20,
  batchSize: 128,
  optimizer: "sgd",
  learningRate: 0.1,
  probeSize: 2000,
} as const satisfies RunSettings;

/** The first is the default. */
export const PRESETS: readonly Preset[] = [
  {
    name: "edge",
    title: "The edge of stability",
    about:
      "Gradient descent on 1,000 digits. The sharpness λ₁ dips, then climbs for some 500 steps until it meets 2/η, " +
      "the value above which gradient descent on a quadratic would blow up. It does not blow up: λ₁ hovers there, " +
      "the loss begins to rise and fall from step to step, and θ zig-zags across the valley along the top eigenvector. " +
      "The loss along the path is then no longer monotone, while along the straight line from θ₀ it is, to less than a thousandth.",
    settings: { ...EDGE, hidden: [...EDGE.hidden] },
  },
  {
    name: "catapult",
    title: "The catapult",
    about:
      "The same network from a wider (Glorot) start with η = 0.3: λ₁ begins at about twice the threshold. " +
      "The loss shoots up in the first steps, θ is thrown out of the sharp valley into a flatter one, λ₁ falls below the threshold, " +
      "and training goes on from there until it meets the edge from below.",
    settings: { ...EDGE, hidden: [...EDGE.hidden], init: "glorot", learningRate: 0.3 },
  },
  {
    name: "diverge",
    title: "Divergence",
    about:
      "The same network on pixels that are not centred: the mean image alone makes λ₁ several times 2/η, and no flatter valley " +
      "is near enough. The loss overflows within 20 steps. Thalweg keeps the last finite θ, says at which step what became " +
      "infinite, and leaves the session open to be looked at.",
    settings: { ...EDGE, hidden: [...EDGE.hidden], center: "none" },
  },
  {
    name: "sgd-edge",
    title: "Minibatches and the edge",
    about:
      "The edge run with minibatches of 100. λ₁ of the full batch stays below 2/η in these steps, and the full-batch line is grey: it is a bound, " +
      "not the threshold. The curvature that each step feels is batch sharpness E[gᵀH_B g/‖g‖²]; watch it rise with λ₁, and how far.",
    settings: { ...EDGE, hidden: [...EDGE.hidden], batchSize: 100, optimizer: "sgd" },
  },
  {
    name: "adam-edge",
    title: "Adam and its own edge",
    about:
      "The digits of the edge run, a network of 32 hidden units and full-batch Adam. λ₁ of the Hessian decides nothing here, and has no line. " +
      "λ₁ of the preconditioned Hessian, each weight rescaled by what Adam divides its step by, starts far above 38/η, " +
      "falls below it within a few steps, climbs, and from about step 650 on hovers there.",
    settings: {
      ...EDGE,
      hidden: [32],
      optimizer: "adam",
      learningRate: 0.002,
      every: { ...EDGE.every, preconditioned: 50 },
    },
  },
  {
    name: "classic",
    title: "An everyday run",
    about:
      "784-100-10 with ReLU, cross-entropy, all 60,000 digits, minibatches of 128, 20 epochs: what a tutorial does. " +
      "λ₁ stays below half the threshold throughout: an ordinary run is nowhere near the edge.",
    settings: { ...CLASSIC, hidden: [...CLASSIC.hidden] },
  },
  {
    name: "fc-199k",
    title: "Two hidden layers, 199,210 weights",
    about:
      "784-200-200-10, the fully connected network of the intrinsic-dimension literature (Li et al. 2018, arXiv:1804.08838). " +
      "Two and a half times the weights of the others, and slower. λ₁ comes near the full-batch bound around step 64 and falls back: watch the intervals between measurements, chosen so that watching costs at most --overhead.",
    settings: { ...CLASSIC, task: "mnist-mlp-200x200", hidden: [200, 200], epochs: 10 },
  },
  {
    name: "lenet",
    title: "A convolutional network",
    about:
      "The convolutional network of LeCun et al. 1998 on 2,000 digits, in minibatches of 50. " +
      "Its 61,706 weights are shared over the picture: a measurement of its curvature takes seconds, so there are few, and training waits for them. " +
      "λ₁ climbs from a quarter of the full-batch bound to a third or two fifths, and stays far from the edge.",
    settings: {
      task: "mnist-lenet",
      dataset: "mnist",
      trainSize: 2000,
      center: "none",
      activation: "tanh",
      init: "lecun",
      loss: "cross-entropy",
      epochs: 10,
      batchSize: 50,
      optimizer: "sgd",
      learningRate: 0.1,
      probeSize: 200,
      // What watching costs would leave one measurement of this short run, and its start alone.
      every: { hessian: 100, path: 20, line: 200, eval: 200 },
    },
  },
  {
    name: "fashion",
    title: "Clothes at the edge",
    about:
      "The edge run with pictures of clothes instead of digits. " +
      "Its four files must be there first: docs/own-data.md says which.",
    settings: { ...EDGE, task: "fashion-mlp", dataset: "fashion-mnist", hidden: [...EDGE.hidden] },
  },
  {
    name: "spirals",
    title: "Two spirals",
    about:
      "A net of 1,218 weights learns which of two interleaved spirals a point lies on, with momentum 0.9. " +
      "In some 200 steps λ₁ climbs from a fifteenth of heavy ball's threshold, (2 + 2β)/η, past it; the loss jumps, " +
      "and λ₁ falls to less than half of it. It is the quickest of the presets, and needs no data.",
    settings: {
      task: "two-spirals",
      dataset: "two-spirals",
      trainSize: 400,
      center: "none",
      hidden: [32, 32],
      activation: "tanh",
      init: "lecun",
      loss: "cross-entropy",
      steps: 1500,
      batchSize: "full",
      optimizer: "momentum",
      momentum: 0.9,
      learningRate: 0.1,
      // λ₁ is past the threshold for some 20 steps. What watching costs would leave a measurement every few hundred steps.
      every: { hessian: 25 },
    },
  },
  {
    name: "autoencoder",
    title: "A linear autoencoder",
    about:
      "A linear network with a bottleneck of 4 gives back points whose covariance is known. Every critical point of its loss is known: " +
      "saddles and one minimum, at loss 0.7572, which gradient descent comes to. λ₁ starts at 0.8 to 1.1 of the threshold and falls.",
    settings: {
      task: "linear-autoencoder",
      dataset: "gaussian",
      trainSize: 500,
      center: "none",
      hidden: [4],
      init: "lecun",
      loss: "half-sum-mse",
      steps: 2000,
      batchSize: "full",
      optimizer: "gd",
      learningRate: 0.2,
    },
  },
  {
    name: "teacher",
    title: "A student and its teacher",
    about:
      "A student of 8 tanh units learns what a teacher of 4 says, without noise. The smallest loss, 0, is known: " +
      "see how near gradient descent comes to it, while λ₁ climbs from a third to half of the threshold.",
    settings: {
      task: "teacher-student",
      dataset: "teacher-student",
      trainSize: 1000,
      center: "none",
      hidden: [8],
      activation: "tanh",
      init: "lecun",
      loss: "half-sum-mse",
      steps: 3000,
      batchSize: "full",
      optimizer: "gd",
      learningRate: 0.4,
    },
  },
];

export function presetNamed(name: string): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name);
}

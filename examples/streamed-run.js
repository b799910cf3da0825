// Data that come one after the other: npm run thalweg -- train ./examples/streamed-run.js
//
// `train` and `test` may be generators, iterables (async or not), or tf.data data sets, or functions that return one.
// Elements are { inputs, labels }, { inputs, targets }, { xs, ys } or [x, y], of one example or of a batch of them.
import { layers, sequential } from "@tensorflow/tfjs-layers";

export const model = sequential({
  layers: [
    layers.dense({ units: 12, activation: "tanh", inputShape: [2], kernelInitializer: glorot(1) }),
    layers.dense({ units: 1, kernelInitializer: glorot(2) }),
  ],
});

export const loss = "half-sum-mse";

export const settings = { steps: 500, learningRate: 0.1 };

export const data = { train: () => saddle(40), test: () => saddle(12) };

/** y = x₁x₂ on a grid, one row of it at a time, as a reader of files or of a database would hand it over. */
async function* saddle(size) {
  const at = (i) => (2 * i) / (size - 1) - 1;
  for (let i = 0; i < size; i += 1) {
    const row = Array.from({ length: size }, (_, j) => [at(i), at(j)]);
    yield { inputs: row, targets: row.map(([x1, x2]) => x1 * x2) };
  }
}

function glorot(seed) {
  return { className: "GlorotNormal", config: { seed } };
}

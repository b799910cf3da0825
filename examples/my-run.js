// A run of one's own: npm run thalweg -- train ./examples/my-run.js --steps 500
//
// Export a tfjs-layers model, data and a loss; Thalweg trains it and measures its landscape on the way.
// θ₀ is what the model holds here, so give initialisers a seed if two runs shall be equal.
import { layers, sequential } from "@tensorflow/tfjs-layers";

const seed = 7;

export const name = "noisy circle";

export const model = sequential({
  layers: [
    layers.dense({ units: 16, activation: "tanh", inputShape: [2], kernelInitializer: glorot(1) }),
    layers.dense({ units: 16, activation: "tanh", kernelInitializer: glorot(2) }),
    layers.dense({ units: 2, kernelInitializer: glorot(3) }), // cross-entropy applies softmax; a last layer's own is taken for that
  ],
});

// "cross-entropy", "sigmoid-cross-entropy", "mse" (mean over outputs), "half-sum-mse" (½ of their sum), "huber"; or a function
// (yTrue, yPred) => one loss for each example, in tfjs operations.
export const loss = "cross-entropy";

// Optional. gd takes all examples for each update; sgd takes batchSize of them.
export const optimizer = { name: "momentum", learningRate: 0.05, momentum: 0.9 };

// Optional: anything a config file may hold, unless the model and the data decide it. Flags go over this.
export const settings = { steps: 1000, every: { hessian: 20 } };

// inputs: nested arrays, a tensor, or a flat typed array; labels: classes from 0, or targets: what the outputs should be.
export const data = { train: circle(300, 1), test: circle(300, 2) };

/** Points in a square; class 1 lies within a circle whose edge is blurred. */
function circle(size, stream) {
  const random = generator(seed + stream);
  const inputs = [];
  const labels = [];
  for (let i = 0; i < size; i += 1) {
    const x = 2 * random() - 1;
    const y = 2 * random() - 1;
    inputs.push([x, y]);
    labels.push(Math.hypot(x, y) + 0.1 * (random() - 0.5) < 0.7 ? 1 : 0);
  }
  return { inputs, labels };
}

function glorot(layer) {
  return { className: "GlorotNormal", config: { seed: seed + layer } };
}

/** Mulberry32. */
function generator(start) {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

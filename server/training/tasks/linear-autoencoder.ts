import { denseStack, sizeOf, stackSummary } from "./dense-stack.ts";
import type { Task } from "./task.ts";

/**
 * L = ½·mean‖x − W_p⋯W₁x‖² without biases (Baldi & Hornik 1989, Neural Networks 2:53; Kunin et al. 2019, arXiv:1901.08168).
 *
 * What is known, for centred data with covariance eigenvalues λ₁ > λ₂ > … and a bottleneck of k: each choice of at most k eigenvectors is a
 * set of critical points, with half the sum of the other eigenvalues as loss; the first k are the global minimum, all others are saddles.
 */
export const linearAutoencoder: Task = {
  name: "linear-autoencoder",
  title: "A linear autoencoder",
  defaultPreset: "autoencoder",
  datasets: "gaussian, mnist, fashion-mnist, csv:<file>, npy:<x>,<y> or idx:<folder>",
  accepts: (dataset) => /^((gaussian|mnist|fashion-mnist)$|fashion-mnist:|csv:|npy:|idx:)/.test(dataset),
  example: { shape: [20], outputs: 20 },
  reconstructs: true,
  settled: { activation: null, loss: "half-sum-mse" },
  build: (config, shape) => denseStack(config, sizeOf(shape), sizeOf(shape), { useBias: false }),
  summary: (config, shape) => `${stackSummary(config, sizeOf(shape), sizeOf(shape))}, no biases`,
};

/** The registry: every stream, in the order in which the dashboard shows them. To add one, write its file and a line here. */
import type { StreamDescriptor } from "../../shared/stream.ts";
import type { StreamDefinition } from "./define.ts";
import { distanceToInitStream } from "./distance-to-init.ts";
import { testAccuracyStream } from "./eval-test-accuracy.ts";
import { testLossStream } from "./eval-test-loss.ts";
import { gaussNewtonEigenvaluesStream } from "./gauss-newton-eigenvalues.ts";
import { noiseScaleStream } from "./gradient-noise-scale.ts";
import { topSubspaceStream } from "./gradient-top-subspace.ts";
import { batchSharpnessStream } from "./hessian-batch-sharpness.ts";
import { hessianDensityStream } from "./hessian-density.ts";
import { directionalSharpnessStream } from "./hessian-directional.ts";
import { hessianEigenvaluesStream } from "./hessian-eigenvalues.ts";
import { hessianOverlapStream } from "./hessian-overlap.ts";
import { hessianPerLayerStream } from "./hessian-per-layer.ts";
import { preconditionedEigenvaluesStream } from "./hessian-preconditioned.ts";
import { lineProfileStream } from "./line-profile.ts";
import { pathLossStream } from "./path-loss.ts";
import { pathMonotonicityStream } from "./path-monotonicity.ts";
import { topModeStream } from "./path-top-mode.ts";
import { runOverhead } from "./run-overhead.ts";
import { runStatus } from "./run-status.ts";
import { samSharpnessStream } from "./sharpness-sam.ts";
import { trainGradientNormStream } from "./train-gradient-norm.ts";
import { trainLearningRateStream } from "./train-learning-rate.ts";
import { trainLossStream } from "./train-loss.ts";
import { trainStateStream } from "./train-state.ts";
import { trainUpdateNormStream } from "./train-update-norm.ts";
import { trainWeightsStream } from "./train-weights.ts";

export const streams: readonly StreamDefinition[] = [
  trainLossStream,
  pathLossStream,
  testLossStream,
  testAccuracyStream,
  pathMonotonicityStream,
  lineProfileStream,
  hessianEigenvaluesStream,
  preconditionedEigenvaluesStream,
  hessianDensityStream,
  topSubspaceStream,
  hessianOverlapStream,
  hessianPerLayerStream,
  gaussNewtonEigenvaluesStream,
  batchSharpnessStream,
  directionalSharpnessStream,
  samSharpnessStream,
  noiseScaleStream,
  topModeStream,
  distanceToInitStream,
  trainGradientNormStream,
  trainUpdateNormStream,
  trainLearningRateStream,
  trainWeightsStream,
  trainStateStream,
];

/** Channels that follow from the threads, not from the steps: whoever runs them writes the samples. */
export const runChannels: readonly StreamDescriptor[] = [runOverhead, runStatus];

export { distanceToInit } from "./distance-to-init.ts";
export { testAccuracy } from "./eval-test-accuracy.ts";
export { testLoss } from "./eval-test-loss.ts";
export { gaussNewtonEigenvalues } from "./gauss-newton-eigenvalues.ts";
export { noiseScale } from "./gradient-noise-scale.ts";
export { topSubspace } from "./gradient-top-subspace.ts";
export { batchSharpness } from "./hessian-batch-sharpness.ts";
export { hessianDensity } from "./hessian-density.ts";
export { directionalSharpness } from "./hessian-directional.ts";
export { hessianEigenvalues } from "./hessian-eigenvalues.ts";
export { hessianOverlap } from "./hessian-overlap.ts";
export { hessianPerLayer } from "./hessian-per-layer.ts";
export { preconditionedEigenvalues } from "./hessian-preconditioned.ts";
export { lineProfile } from "./line-profile.ts";
export { createModes } from "./modes.ts";
export { pathLoss } from "./path-loss.ts";
export { pathMonotonicity } from "./path-monotonicity.ts";
export { topMode } from "./path-top-mode.ts";
export { samSharpness } from "./sharpness-sam.ts";
export { trainGradientNorm } from "./train-gradient-norm.ts";
export { trainLearningRate } from "./train-learning-rate.ts";
export { trainLoss } from "./train-loss.ts";
export { trainState } from "./train-state.ts";
export { trainUpdateNorm } from "./train-update-norm.ts";
export { trainWeights } from "./train-weights.ts";

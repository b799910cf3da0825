/** The registry: how each stream is checked, in the order in which it is done. A stream without a line here is reported as not checked. */
import type { CheckDefinition } from "../check.ts";
import { hessianDirectional, sharpnessSam } from "./curvature-along.ts";
import { hessianDensity } from "./density.ts";
import { distanceToInit } from "./distance.ts";
import { evalTestAccuracy, evalTestLoss } from "./eval.ts";
import { hessianEigenvalues } from "./hessian.ts";
import { lineProfile } from "./line.ts";
import { gradientNoiseScale } from "./noise-scale.ts";
import { gaussNewtonEigenvalues, hessianPerLayer, hessianPreconditioned } from "./other-spectra.ts";
import { pathLoss, pathMonotonicity } from "./path.ts";
import { runOverhead, runStatus } from "./run.ts";
import { batchSharpness } from "./sharpness.ts";
import { gradientTopSubspace, hessianOverlap } from "./subspace.ts";
import { pathTopMode } from "./top-mode.ts";
import { trainGradientNorm, trainLearningRate, trainLoss, trainUpdateNorm } from "./train.ts";
import { trainState } from "./train-state.ts";
import { trainWeights } from "./train-weights.ts";

/** Streams that need the Hessian's eigenvectors come after it. */
export const CHECKS = [
  trainWeights,
  trainState,
  trainLoss,
  trainGradientNorm,
  trainUpdateNorm,
  trainLearningRate,
  pathLoss,
  pathMonotonicity,
  evalTestLoss,
  evalTestAccuracy,
  lineProfile,
  distanceToInit,
  hessianEigenvalues,
  gradientTopSubspace,
  hessianOverlap,
  hessianPreconditioned,
  hessianPerLayer,
  gaussNewtonEigenvalues,
  hessianDensity,
  gradientNoiseScale,
  batchSharpness,
  hessianDirectional,
  sharpnessSam,
  pathTopMode,
  runStatus,
  runOverhead,
] as unknown as readonly CheckDefinition<unknown>[];

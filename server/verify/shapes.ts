/** What the values of the streams look like. Numbers may be NaN or infinite: divergence is recorded as it is. */
import * as z from "zod/mini";

export const float = z.custom<number>((value) => typeof value === "number", "expected a number");
export const floats = z.array(float);
const maybe = z.nullable(float);

export const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "expected bytes");

export const monotonicity = z.object({
  excess: float,
  drawUp: float,
  // Recordings of before have none, and count every rise in upFraction.
  firstLoss: z.optional(float),
  upFraction: float,
  every: z.int(),
  populationDrawUp: maybe,
  pairedStdErr: maybe,
});

export const topMode = z.object({ projection: float, modeStep: z.int(), referenceStep: z.int() });

export const profile = z.object({
  alphas: floats,
  losses: floats,
  carriesVerdict: z.boolean(),
  drawUp: float,
  plateau: float,
  /** Of recordings from before there was a path beside the line: null, and no steps. */
  pathSteps: z.optional(z.array(z.int())),
  projection: z.nullable(floats),
  residual: z.nullable(floats),
  noiseFloor: float,
  pairedStdErr: float,
  monotoneOnProbe: z.boolean(),
  monotoneInPopulation: z.nullable(z.boolean()),
  control: z.nullable(z.object({ losses: floats, drawUp: float, monotoneOnProbe: z.boolean() })),
});

export const travelled = z.object({
  l2: float,
  relative: float,
  pathLength: float,
  straightness: float,
  perLayer: floats,
  rotation: floats,
});

const eigenvalue = z.object({ value: float, residual: float, converged: z.boolean() });

export const eigenvalues = z.object({
  top: z.array(eigenvalue),
  bottom: z.array(eigenvalue),
  threshold: maybe,
  rule: z.nullable(z.string()),
  ratio: maybe,
  eta: float,
  n: z.int(),
  loss: float,
  thetaNorm: float,
  hvps: z.int(),
  coldGap: maybe,
  probeStdErr: maybe,
});

export const sharpness = z.object({
  value: float,
  stdErr: float,
  batches: z.int(),
  threshold: maybe,
  ratio: maybe,
});

export const topSubspace = z.object({ share: float, control: float, k: z.int(), converged: z.int() });

const compared = z.object({ step: z.int(), overlap: float });

export const overlap = z.object({
  k: z.int(),
  converged: z.int(),
  control: float,
  previous: z.nullable(compared),
  references: z.array(compared),
});

export const gaussNewton = z.object({ top: z.array(eigenvalue), n: z.int(), products: z.int() });

export const perLayer = z.object({
  layers: z.array(z.extend(eigenvalue, { layer: z.string() })),
  n: z.int(),
  hvps: z.int(),
});

export const preconditioned = z.object({
  top: z.array(eigenvalue),
  threshold: float,
  rule: z.string(),
  ratio: float,
  eta: float,
  n: z.int(),
  hvps: z.int(),
  coldGap: maybe,
});

export const noiseScale = z.object({
  value: float,
  interval: z.tuple([float, float]),
  signal: float,
  signalStdErr: float,
  noise: float,
  batchSize: z.int(),
  batches: z.int(),
});

export const density = z.object({
  lambda: floats,
  density: floats,
  kernelWidth: float,
  trace: float,
  traceStdErr: float,
  nearZeroFraction: float,
  nearZeroStdErr: float,
  // Recordings of before have none.
  nearZeroBounds: z.optional(z.tuple([float, float])),
  nearZeroBelow: float,
  negativeMass: float,
  negativeBounds: z.optional(z.tuple([float, float])),
  outliers: z.nullable(
    z.object({ count: z.int(), lowest: float, gap: float, secondGap: float, among: z.int() }),
  ),
  probes: z.int(),
  lanczosSteps: z.int(),
  n: z.int(),
  hvps: z.int(),
});

export const overhead = z.object({
  total: float,
  interval: z.tuple([float, float]),
  stepsPerSecond: float,
  bareStepMs: float,
  perStream: z.record(z.string(), float),
});

export const status = z.object({
  level: z.enum(["info", "warning", "error"]),
  code: z.string(),
  message: z.string(),
  stream: z.optional(z.string()),
});

export const directional = z.object({ value: float, ratio: maybe, updateNorm: float, n: z.int() });

export const sam = z.object({ value: float, rho: float, loss: float, gradientNorm: float });

/** One random small run, recorded, forked at a random step, and trained on beside itself: are they the same to the last bit? */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { input, type LayersModel, layers, model as modelOf } from "@tensorflow/tfjs-layers";
import { lastValueFrom, type Observable, tap } from "rxjs";
import { forkPoint } from "../../client/data/fork-point.ts";
import { openBackend } from "../../server/backends/select.ts";
import { initialise } from "../../server/engine/initialise.ts";
import { createRandom, type Random } from "../../server/numerics/random.ts";
import { pipeline } from "../../server/pipeline.ts";
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { streams } from "../../server/streams/index.ts";
import { createModes } from "../../server/streams/modes.ts";
import { readFork } from "../../server/threads/fork-point.ts";
import { sessionHeader } from "../../server/threads/session-header.ts";
import { assembleBlueprint } from "../../server/training/assemble-blueprint.ts";
import { createBlueprint } from "../../server/training/blueprint.ts";
import type { RunConfig, RunSettings } from "../../server/training/config.ts";
import { forkedBlueprint, resumptionOf } from "../../server/training/fork.ts";
import { openRun } from "../../server/training/open-run.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import type { Blueprint, Step, Training } from "../../server/training/run.ts";
import { createTraining } from "../../server/training/train.ts";
import { encodeValue } from "../../shared/value.ts";

const OPTIMIZERS = ["gd", "sgd", "momentum", "nesterov", "adam"] as const;
const RECORDED = ["train/weights", "train/state", "train/learning-rate", "distance/to-init"];

/** What each step was: θ by its bits, and what made it. */
type Trace = Map<number, { readonly theta: string; readonly update: string }>;

/** @returns the case, and what differs, in a sentence; null when nothing does. */
export async function forkOnce(
  seed: number,
  folder: string,
): Promise<{ readonly what: string; readonly compared: number; readonly differs: string | null }> {
  const random = createRandom(seed);
  const settings = randomSettings(random, OPTIMIZERS[seed % OPTIMIZERS.length] as RunConfig["optimizer"]);
  const hasBatchNorm = random.integer(2) === 0;
  const resolved = resolveSettings(settings);
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const path = join(folder, `${seed}.mcap`);
  const whole = await recordRun(await blueprintOf(resolved.config, hasBatchNorm), path);
  const parent = await openRecording(path);
  try {
    const candidates: number[] = [];
    const misnamed: number[] = [];
    for (let step = 1; step < resolved.config.steps; step++) {
      const isForkable = await readFork(parent, step, {}).then(
        () => true,
        () => false,
      );
      if (isForkable) candidates.push(step);
      // What a dashboard offers.
      if (forkPoint(parent.header, step) !== (candidates.at(-1) ?? 0)) misnamed.push(step);
    }
    const at = candidates.length === 0 ? 0 : (candidates[random.integer(candidates.length)] as number);
    const { config, fork } = await readFork(parent, at, {});
    const blueprint = forkedBlueprint(await blueprintOf(config, hasBatchNorm), fork);
    const forked = await trace(blueprint, resumptionOf(fork, config));
    const { optimizer, lrSchedule, batchSize } = config;
    const what = `seed ${seed}: ${optimizer}, ${lrSchedule}, batch ${batchSize}${hasBatchNorm ? ", batch-norm" : ""}, step ${at} of ${config.steps}`;
    const compared = forked.size;
    if (misnamed.length > 0)
      return { what, compared, differs: `another step is offered up to ${misnamed.join(", ")}` };
    if (compared !== config.steps - at + 1)
      return { what, compared, differs: `${forked.size} steps in place of ${config.steps - at + 1}` };
    for (const [step, { theta, update }] of forked) {
      const before = whole.get(step);
      if (theta !== before?.theta) return { what, compared, differs: `θ of step ${step} has other bits` };
      // The update that made θ_n is the parent's.
      if (step > at && update !== before.update)
        return {
          what,
          compared,
          differs: `step ${step} was made by ${update}, unforked by ${before.update}`,
        };
    }
    return { what, compared, differs: null };
  } finally {
    await parent.close();
  }
}

function randomSettings(random: Random, optimizer: RunConfig["optimizer"]): RunSettings {
  const trainSize = 40 + random.integer(60);
  const pick = <T>(from: readonly T[]) => from[random.integer(from.length)] as T;
  const isFull = optimizer === "gd" || (optimizer !== "sgd" && random.integer(2) === 0);
  return {
    task: "two-spirals",
    trainSize,
    probeSize: 20,
    hidden: [3 + random.integer(8)],
    activation: pick(["tanh", "relu", "sigmoid", "gelu"]),
    optimizer,
    // Mostly not a divisor: the last batch of an epoch is smaller.
    batchSize: isFull ? "full" : 7 + random.integer(20),
    learningRate: optimizer === "adam" ? 0.01 : 0.05 + 0.2 * random.uniform(),
    weightDecay: pick([0, 1e-3]),
    lrSchedule: pick(["constant", "cosine", "step"]),
    steps: 15 + random.integer(30),
    seed: random.integer(1e6),
    weightsEvery: 1 + random.integer(3),
    every: { state: 1 + random.integer(6) },
    backend: "wasm",
  };
}

/** Anew for the fork: nothing is shared but what the recording holds. */
async function blueprintOf(config: RunConfig, hasBatchNorm: boolean): Promise<Blueprint> {
  await openBackend(config.backend, { allowNative: false });
  const blueprint = await createBlueprint(config);
  if (!hasBatchNorm) return blueprint;
  const model = normalised(config);
  try {
    return assembleBlueprint({
      config,
      model,
      modelSummary: "with batch-norm, one of them frozen",
      initial: ({ parameters }) =>
        initialise(parameters, config.init, createRandom(config.seeds.init).stream("initial")),
      train: blueprint.train,
      test: blueprint.test,
      sourceRows: null,
      preprocessing: blueprint.facts.probe.preprocessing,
    });
  } finally {
    model.dispose();
  }
}

function normalised({ hidden }: RunConfig): LayersModel {
  const x = input({ shape: [2] });
  const first = layers.dense({ units: hidden[0] ?? 4, activation: "tanh" }).apply(x);
  const trained = layers.batchNormalization().apply(first);
  const frozen = layers.batchNormalization({ trainable: false }).apply(trained);
  return modelOf({ inputs: x, outputs: layers.dense({ units: 2 }).apply(frozen) as never });
}

async function trace(blueprint: Blueprint, resumeFrom: ReturnType<typeof resumptionOf>): Promise<Trace> {
  const backend = await openBackend(blueprint.config.backend, { allowNative: false });
  const training = createTraining(openRun(blueprint, backend), { resumeFrom });
  const seen: Trace = new Map();
  await lastValueFrom(traced(training, seen));
  training.dispose();
  return seen;
}

function traced({ steps$ }: Training, seen: Trace): Observable<Step> {
  return steps$.pipe(
    tap(({ step, theta, update, learningRate }) => {
      const hash = createHash("sha256").update(
        new Uint8Array(theta.buffer, theta.byteOffset, theta.byteLength),
      );
      seen.set(step, { theta: hash.digest("hex"), update: JSON.stringify([update, learningRate]) });
    }),
  );
}

/** The run, and a recording of what a fork needs of it. */
async function recordRun(blueprint: Blueprint, path: string): Promise<Trace> {
  const backend = await openBackend(blueprint.config.backend, { allowNative: false });
  const training = createTraining(openRun(blueprint, backend));
  const { config } = blueprint;
  const mine = streams.filter(({ descriptor }) => RECORDED.includes(descriptor.name));
  const every = { weights: config.weightsEvery ?? 1, state: config.every["state"] ?? 1 };
  const opened = { kind: "opened", backend: training.backend } as const;
  const header = sessionHeader({
    blueprint,
    planned: mine.map(({ descriptor, scheduleKey }) => ({
      name: descriptor.name,
      role: "trainer",
      scheduleKey,
      isSparse: false,
      memoryBytes: 0,
    })),
    schedule: {
      everyOfStream: { "train/weights": every.weights, "train/state": every.state },
      everyOfKey: every,
      chosenBy: "given",
      costsMs: {},
    },
    training: opened,
    curvature: opened,
  });
  const log = await SessionLog.create({ header, path });
  const encoder = new WeightEncoder(header.parameterCount);
  const seen: Trace = new Map();
  await new Promise<void>((resolve, reject) => {
    pipeline(traced(training, seen), mine, (stream) => ({
      run: training,
      every: stream.scheduleKey === null ? 1 : every[stream.scheduleKey as keyof typeof every],
      modes: createModes(),
      everyOf: () => 1,
    })).subscribe({
      next({ channel, step, value }) {
        const index = header.channels.findIndex(({ name }) => name === channel);
        if (value instanceof Float32Array) log.append(index, step, { weights: encoder.encode(value) });
        else if (value instanceof Uint8Array) log.append(index, step, { bytes: value });
        else log.append(index, step, { json: encodeValue(value) });
      },
      error: reject,
      complete: resolve,
    });
  });
  await log.finish("finished");
  await log.close();
  training.dispose();
  return seen;
}

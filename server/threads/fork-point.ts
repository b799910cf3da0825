/** What a fork takes from the log of the session that it leaves. */
import { createHash } from "node:crypto";
import type { Session, SessionEvent } from "../session/session.ts";
import { type RunConfig, type RunSettings, readRunConfig } from "../training/config.ts";
import { changesOf, type Fork, forkConfig } from "../training/fork.ts";
import { createOptimizer } from "../training/optimizers/index.ts";
import { learningRateShare } from "../training/optimizers/learning-rate.ts";
import { decodeTrainingState, type TrainingPosition } from "../training/training-state.ts";
import { UserError } from "../training/user-error.ts";

const BATCH = { maxEvents: 1024, maxBytes: 2 ** 20 } as const;

/**
 * The parent as it was at θ_n, before anything that was done to it there: a learning rate set while it stood at step n is not the fork's.
 *
 * Without `train/state` at step n, an optimizer without memory can be continued all the same: order and schedule follow from the step.
 * @param given  settings over the parent's.
 * @throws {UserError} `not-recorded`, with the nearest steps that can be forked; `settings`; `header-foreign`; `state-foreign`.
 */
export async function readFork(
  parent: Session,
  step: number,
  given: RunSettings,
): Promise<{ readonly config: RunConfig; readonly fork: Fork }> {
  const { header } = parent;
  const read = readRunConfig(header.config);
  if (!read.ok) {
    throw new UserError(
      "header-foreign",
      `fork: expected a configuration as thalweg writes it, found config.${read.problem} = ${JSON.stringify(header.config[read.problem])}`,
    );
  }
  const history = await readHistory(parent, step);
  const hasMemory = Object.keys(createOptimizer(read.config, 0).slots).length > 0;
  const weights = await parent.weights(step);
  if (!weights.found || (hasMemory && history.state === null)) {
    const nearest = hasMemory
      ? await forkable(parent, history.stateSteps, step)
      : weights.found
        ? []
        : weights.nearest;
    throw notRecorded(step, nearest, hasMemory ? read.config.optimizer : null);
  }
  const initial = await parent.weights(0);
  if (!initial.found) {
    throw new UserError(
      "not-recorded",
      "fork: expected a session that still holds θ₀, which distances are measured from; this log has dropped it",
    );
  }
  const position =
    history.state === null ? positionOf(read.config, step, history) : decodeTrainingState(history.state);
  const config = forkConfig(read.config, header, position, given);
  const { theta } = weights;
  return {
    config,
    fork: {
      origin: {
        session: header.id,
        name: header.name,
        step,
        thetaSha256: createHash("sha256").update(bytesOf(theta)).digest("hex"),
        pathLength: history.pathLength,
        changed: changesOf(config, { ...read.config, learningRate: position.learningRate }),
      },
      theta,
      initial: initial.theta,
      position,
      parent: { parameters: header.parameters, loss: header.loss, probe: header.probe, train: header.train },
    },
  };
}

interface PastOfStep {
  readonly stateSteps: readonly number[];
  readonly state: Uint8Array | null;
  /** Base η that somebody set, in order. */
  readonly ratesSet: readonly number[];
  /** η of update n. */
  readonly rate: number | null;
  readonly pathLength: number | null;
}

async function readHistory(parent: Session, step: number): Promise<PastOfStep> {
  const stateSteps: number[] = [];
  const ratesSet: number[] = [];
  let state: Uint8Array | null = null;
  await eachEvent(parent, ["train/state", "run/status"], 0, (channel, event) => {
    if (channel === "train/state") {
      stateSteps.push(event.step);
      if (event.step === step && event.data instanceof Uint8Array) state = event.data.slice();
      return true;
    }
    const { code, message } = JSON.parse(event.json ?? "{}") as { code?: string; message?: string };
    if (code === "control-set") ratesSet.push(Number(/set to (\S+)$/.exec(message ?? "")?.[1]));
    return true;
  });
  let rate: number | null = null;
  let pathLength: number | null = null;
  const wanted = new Set(["train/learning-rate", "distance/to-init"]);
  await eachEvent(parent, [...wanted], await parent.seqOfStep(step), (channel, event) => {
    if (event.step === step && channel === "train/learning-rate") rate = Number(JSON.parse(event.json ?? ""));
    if (event.step === step && channel === "distance/to-init") {
      pathLength = (JSON.parse(event.json ?? "{}") as { pathLength?: unknown }).pathLength as number;
    }
    if (event.step >= step) wanted.delete(channel);
    return wanted.size > 0;
  });
  return { stateSteps, state, ratesSet, rate, pathLength: Number.isFinite(pathLength) ? pathLength : null };
}

/** Events of these channels from this seq on, in order, as long as `see` says true. */
async function eachEvent(
  session: Session,
  names: readonly string[],
  from: number,
  see: (channel: string, event: SessionEvent) => boolean,
): Promise<void> {
  const { channels } = session.header;
  const chosen = new Set(channels.flatMap(({ name }, index) => (names.includes(name) ? [index] : [])));
  const { headSeq, earliestSeq } = session.status;
  const cursor = session.cursor({ channels: chosen, from: Math.max(from, earliestSeq) });
  try {
    while (cursor.position <= headSeq) {
      for (const event of await cursor.read(BATCH)) {
        if (!see(channels[event.channel]?.name ?? "", event)) return;
      }
    }
  } finally {
    cursor.close();
  }
}

/** Without a state: what follows from the step, and the base η, which is whichever was once in force and gives η of this update. */
function positionOf(config: RunConfig, step: number, { ratesSet, rate }: PastOfStep): TrainingPosition {
  const share = learningRateShare(config.lrSchedule, step - 1, config.steps);
  const bases = [...ratesSet].reverse().concat(config.learningRate);
  const learningRate = rate === null ? config.learningRate : bases.find((base) => base * share === rate);
  if (learningRate === undefined) {
    throw new UserError(
      "not-recorded",
      `fork: expected the learning rate ${rate} of step ${step} to follow from one that was set, got none that does`,
    );
  }
  return { step, learningRate, updateCount: step, slots: {} };
}

/** Of the steps with a state, the nearest below and above whose θ is recorded too. */
async function forkable(
  parent: Session,
  stateSteps: readonly number[],
  step: number,
): Promise<readonly number[]> {
  const below = stateSteps.filter((at) => at < step).reverse();
  const above = stateSteps.filter((at) => at > step);
  const found: number[] = [];
  for (const side of [below, above]) {
    for (const at of side) {
      if (!(await parent.weights(at)).found) continue;
      found.push(at);
      break;
    }
  }
  return found;
}

function notRecorded(step: number, nearest: readonly number[], optimizer: string | null): UserError {
  const steps =
    nearest.length === 0
      ? "there is none"
      : `the nearest ${nearest.length === 1 ? "is" : "are"} ${nearest.join(" and ")}`;
  const what = optimizer === null ? "weights are" : `weights and train/state (${optimizer} needs it) are`;
  return new UserError(
    "not-recorded",
    `at-step: expected a step whose ${what} recorded, got ${step}; ${steps}`,
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

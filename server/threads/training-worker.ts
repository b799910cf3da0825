/** The thread that trains: every θ goes into the ring, every due one also to the curvature thread. */
import { type Subscription, tap } from "rxjs";
import { whole } from "../../shared/number-words.ts";
import { isDue, isLogged } from "../../shared/schedule.ts";
import { openBackend } from "../backends/select.ts";
import { pipeline } from "../pipeline.ts";
import { streams } from "../streams/index.ts";
import { createModes } from "../streams/modes.ts";
import { createBlueprint } from "../training/blueprint.ts";
import { forkedBlueprint, resumptionOf } from "../training/fork.ts";
import { openRun } from "../training/open-run.ts";
import { importOwn, loadOwnRun } from "../training/own-module.ts";
import type { Step, Training } from "../training/run.ts";
import { trySteps } from "../training/time-steps.ts";
import { createTraining } from "../training/train.ts";
import type { Plan, TimeRequest, TrainingRequest } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { createPace } from "./pace.ts";
import { RingWriter } from "./ring.ts";
import { gate, post, reportFailure, serveThread } from "./thread.ts";
import { TrialPace } from "./trial.ts";

type Open = Extract<TrainingRequest, { kind: "open" }>;
type Begin = Extract<TrainingRequest, { kind: "begin" }>;
type Control = Extract<TrainingRequest, { kind: "control" }>;

interface Refusal {
  readonly code: string;
  readonly message: string;
}

let training: Training | null = null;
/** Begins the run anew for each trial, apart from the one that counts. */
let createTrial: (() => Training) | null = null;
let begun: {
  readonly plan: Plan;
  readonly all: RingWriter;
  readonly measured: RingWriter | null;
  /** The step that was emitted last: between turns, when controls arrive, all of it still holds. */
  newest: Step | null;
  end(): void;
} | null = null;

serveThread<TrainingRequest>((request) => {
  switch (request.kind) {
    case "open":
      return open(request);
    case "time":
      return time(request);
    case "begin":
      return begin(request);
    case "control":
      return control(request);
  }
});

async function open({ config, module, fork }: Open): Promise<void> {
  const backend = await openBackend(config.backend, { allowNative: true, gate });
  const fromStart =
    module === null ? await createBlueprint(config) : await loadOwnRun(module.path, module.settings);
  const blueprint = fork === null ? fromStart : forkedBlueprint(fromStart, fork);
  const run = openRun(blueprint, backend, await importOwn(blueprint.module));
  const start = fork === null ? {} : { resumeFrom: resumptionOf(fork, run.config) };
  training = createTraining(run, start);
  createTrial = () => createTraining(run, start);
  post({
    kind: "opened",
    backend: run.backend,
    blueprint,
    streams: streams
      .filter((stream) => stream.applies(run))
      .map((stream) => ({
        name: stream.descriptor.name,
        role: stream.role(run),
        scheduleKey: stream.scheduleKey,
        isSparse: stream.descriptor.cadence.kind === "sparse",
        memoryBytes: stream.memoryBytes?.(run) ?? 0,
      })),
  });
}

async function time({ forMs, turns }: TimeRequest): Promise<void> {
  if (createTrial === null) throw new Error("training thread: nothing is open");
  const pace = new TrialPace(turns);
  try {
    await trySteps(createTrial, forMs, (beforeMs, nowMs) => pace.step(beforeMs, nowMs));
  } finally {
    post({ kind: "timed", costsMs: pace.end() });
  }
}

function begin({ plan, acks, all, measured }: Begin): void {
  const { run, writers } = {
    run: opened(),
    writers: { all: new RingWriter(all), measured: measured && new RingWriter(measured) },
  };
  const outbox = new Outbox(acks, post);
  const pace = createPace((stepMs, step) => post({ kind: "pace", stepMs, step }));
  const mine = streams.filter(({ descriptor }) =>
    plan.streams.some(({ name, role }) => name === descriptor.name && role === "trainer"),
  );
  let subscription: Subscription | null = null;
  const end = () => {
    subscription?.unsubscribe();
    states.unsubscribe();
    writers.all.close();
    writers.measured?.close();
    outbox.flush();
    post({ kind: "done" });
  };
  const states = run.state$.subscribe((now) => {
    if (now.state === "diverged") {
      outbox.flush();
      post({ kind: "diverged", step: now.step, what: now.what });
    } else {
      pace.interrupt();
      post({ kind: "state", state: now.state });
    }
  });
  const now: NonNullable<typeof begun> = { plan, ...writers, newest: null, end };
  begun = now;
  const forwarded$ = run.steps$.pipe(
    tap((step) => {
      now.newest = step;
      writers.all.push(step);
      if (writers.measured !== null && isMeasured(step, plan)) forward(step, writers.measured, plan, outbox);
      pace.mark(step.step);
    }),
  );
  const context = { run, modes: createModes(), everyOf: (key: string) => plan.everyOfKey[key] ?? 1 };
  subscription = pipeline(forwarded$, mine, ({ descriptor }) => ({
    ...context,
    every: plan.everyOfStream[descriptor.name] ?? 1,
  })).subscribe({
    next: (sample) => outbox.add(sample),
    error: reportFailure,
    complete: end,
  });
}

function isMeasured({ step, lastStep }: Step, plan: Plan): boolean {
  return plan.streams.some(({ name, role, isSparse }) => {
    if (role !== "curvature") return false;
    const every = plan.everyOfStream[name] ?? 1;
    return isSparse ? isLogged(step, every, lastStep) : isDue(step, every, lastStep);
  });
}

/** Waits where too many wait for their measurement; under --best-effort passes this step over, and says so. */
function forward(step: Step, measured: RingWriter, plan: Plan, outbox: Outbox): void {
  if (plan.bestEffort && !measured.hasRoom()) {
    outbox.add({
      channel: "run/status",
      step: step.step,
      value: {
        level: "warning",
        code: "measurement-skipped",
        message: `step ${whole(step.step)} was due but not measured: the measurement before was still running (--best-effort)`,
      },
    });
    return;
  }
  measured.push(step);
}

function control({ action, request }: Control): void {
  const refusal = act(action);
  post({ kind: "answer", request, step: begun?.newest?.step ?? 0, refusal });
  if (action.action === "stop") begun?.end();
}

function act(action: Control["action"]): Refusal | null {
  const { control: controls } = opened();
  switch (action.action) {
    case "pause":
      controls.pause();
      return null;
    case "resume":
      controls.resume();
      return null;
    case "step":
      controls.step();
      return null;
    case "set":
      controls.setLearningRate(action.learningRate);
      return null;
    case "stop":
      return null;
    case "measure":
      return demand(action.stream, action.experiment);
  }
}

/** The newest θ, once more, for one stream: due or not. */
function demand(
  stream: string | undefined,
  experiment: string | undefined,
): { code: string; message: string } | null {
  if (begun === null) return { code: "not-begun", message: "measure: training has not begun" };
  if (experiment !== undefined) {
    return {
      code: "unknown-experiment",
      message: `measure: expected the name of an experiment, got "${experiment}"; this server has none`,
    };
  }
  const { plan, newest, measured } = begun;
  const measurable = plan.streams.filter(({ role }) => role === "curvature").map(({ name }) => name);
  if (stream === undefined || !measurable.includes(stream)) {
    return {
      code: "unknown-stream",
      message: `measure: expected one of ${measurable.join(", ")}, got "${stream ?? ""}"`,
    };
  }
  if (newest === null || measured === null)
    return { code: "not-begun", message: "measure: no step has been taken yet" };
  measured.push({ ...newest, demanded: plan.channels.indexOf(stream) });
  return null;
}

function opened(): Training {
  if (training === null) throw new Error("training thread: nothing is open");
  return training;
}

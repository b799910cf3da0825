/** `thalweg tasks`: what can be trained without a line of code, and how fast here. */
import { openBackend } from "../backends/select.ts";
import { compile } from "../engine/compile.ts";
import { createBlueprint } from "../training/blueprint.ts";
import type { RunConfig } from "../training/config.ts";
import { openRun } from "../training/open-run.ts";
import { resolveSettings } from "../training/resolve.ts";
import { TASKS } from "../training/tasks/index.ts";
import type { Task } from "../training/tasks/task.ts";
import { meanStepMs } from "../training/time-steps.ts";
import { createTraining } from "../training/train.ts";
import { UserError } from "../training/user-error.ts";
import { progressLine } from "./progress.ts";

interface TaskLine {
  readonly name: string;
  readonly title: string;
  readonly datasets: string;
  readonly defaultPreset: string | null;
  /** Of the default preset: null where only the user's data decide. */
  readonly model: string | null;
  readonly parameters: number | null;
  readonly batchSize: number | null;
  /** Updates a second without any measurement, just now. Absent when nobody asked. */
  readonly stepsPerSecond?: number | null;
  readonly backend?: string;
  /** Why there is no number. */
  readonly problem?: string;
}

/** Of each, the first quarter of its steps to warm up. */
const TIMING_MS = 1000;

export async function tasksCommand(flags: {
  readonly json?: boolean;
  readonly measure?: boolean;
}): Promise<void> {
  await openBackend("cpu", { allowNative: false });
  const described = TASKS.map(describe);
  const lines: TaskLine[] = [];
  const progress = progressLine();
  for (const { line, config } of described) {
    if (flags.measure === true && config !== null) progress.show(`timing ${line.name}`);
    lines.push(flags.measure === true ? { ...line, ...(await speedOf(config)) } : line);
  }
  progress.clear();
  console.log(
    flags.json === true
      ? JSON.stringify(lines, null, 2)
      : sentences(lines, flags.measure === true).join("\n"),
  );
}

function describe(task: Task): { readonly line: TaskLine; readonly config: RunConfig | null } {
  const { name, title, datasets, defaultPreset, example } = task;
  const resolved = defaultPreset === null ? null : resolveSettings({ preset: defaultPreset });
  const config = resolved?.ok ? resolved.config : null;
  const none = { model: null, parameters: null, batchSize: null };
  if (config === null || example === null)
    return { line: { name, title, datasets, defaultPreset, ...none }, config: null };
  const model = task.build(config, example.shape, example.outputs);
  const { parameterCount } = compile(model, config.loss);
  model.dispose();
  const line = {
    ...{ name, title, datasets, defaultPreset },
    model: task.summary(config, example.shape, example.outputs),
    parameters: parameterCount,
    batchSize: config.batchSize === "full" ? config.trainSize : config.batchSize,
  };
  return { line, config };
}

/** Bare steps of the default preset, on the backend that training would take. */
async function speedOf(
  config: RunConfig | null,
): Promise<Pick<TaskLine, "stepsPerSecond" | "backend" | "problem">> {
  if (config === null) return { stepsPerSecond: null, problem: "depends on the data" };
  try {
    const backend = await openBackend(config.backend, { allowNative: true });
    const run = openRun(await createBlueprint(config), backend);
    try {
      const stepMs = await meanStepMs(() => createTraining(run), TIMING_MS);
      return { stepsPerSecond: stepMs === null ? null : 1000 / stepMs, backend: run.backend.name };
    } finally {
      run.dispose();
    }
  } catch (cause) {
    if (cause instanceof UserError) return { stepsPerSecond: null, problem: cause.message };
    throw cause;
  }
}

function sentences(lines: readonly TaskLine[], isMeasured: boolean): string[] {
  const rows = lines.flatMap((line) => {
    const { name, title, datasets, defaultPreset, model, parameters, batchSize } = line;
    return [
      `${name}: ${title}`,
      ...(model === null
        ? ["  dense layers as --hidden and --activation say; the rest follows from the data"]
        : [`  ${model}, ${parameters} weights, ${batchSize} examples a step with preset ${defaultPreset}`]),
      `  --dataset ${datasets}`,
      ...(isMeasured ? [`  ${speedSentence(line)}`] : []),
      "",
    ];
  });
  const hint = isMeasured
    ? `Steps without any measurement, timed just now for ${TIMING_MS / 1000} s each, in one thread of this machine.`
    : "--measure times a second of each on this machine.";
  return [...rows, hint];
}

function speedSentence({ stepsPerSecond = null, backend, problem }: TaskLine): string {
  if (stepsPerSecond === null) return `not timed: ${problem ?? "it ends before it is warm"}`;
  return `${stepsPerSecond.toPrecision(3)} steps/s with ${backend}`;
}

/** A run that is going on, as a session: the log in front, three threads behind. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Observable } from "rxjs";
import type { EndReason, SessionHeader } from "../../shared/header.ts";
import type { ControlAction } from "../../shared/protocol.ts";
import type { RunStatus } from "../../shared/readings.ts";
import { encodeValue } from "../../shared/value.ts";
import { SessionLog } from "../session/log.ts";
import type {
  ControlResult,
  Cursor,
  CursorOptions,
  Session,
  SessionStatus,
  WeightsResult,
} from "../session/session.ts";
import type { RunConfig, RunSettings } from "../training/config.ts";
import type { Blueprint } from "../training/run.ts";
import { type CostsMs, chooseIntervals, chooseWeightsEvery } from "./intervals.ts";
import type { PackedSample, Plan, PlannedStream, ThreadReply } from "./messages.ts";
import { createModeLine, endModes } from "./mode-line.ts";
import { abandonAcks, acknowledge, createAcks } from "./outbox.ts";
import { OverheadMeter } from "./overhead.ts";
import { abandonRing, createRing, type RingBuffers, ringSlots } from "./ring.ts";
import { type Schedule, sessionHeader } from "./session-header.ts";
import { ThreadHandle } from "./thread-handle.ts";

export interface LiveSessionOptions {
  readonly config: RunConfig;
  readonly module?: { readonly path: string; readonly settings: RunSettings } | null;
  /** Folder of recordings; with `record: false`, of the temporary log. */
  readonly folder: string;
  readonly record: boolean;
  /** Something that the person at the terminal must know: a failed disk, a bug in a thread. */
  readonly onTrouble?: (sentence: string) => void;
}

/** A thread that runs ahead of the disk waits once this much is not yet written. */
const BACKLOG_BYTES = 8 * 2 ** 20;

/**
 * Opens the threads, measures what measuring costs, begins the log, and starts training.
 * @throws {UserError} when the run cannot begin: nothing has been written then. {RecordingError} when the log cannot be begun.
 */
export async function startLiveSession(options: LiveSessionOptions): Promise<LiveSession> {
  const threads = {
    training: new ThreadHandle("training"),
    geometry: new ThreadHandle("geometry"),
    curvature: new ThreadHandle("curvature"),
  };
  try {
    const training = await threads.training.open({ config: options.config, module: options.module ?? null });
    const blueprint = training.blueprint as Blueprint;
    // One after the other: costs are measured while nothing else runs.
    const curvature = await threads.curvature.open({ blueprint });
    await threads.geometry.open({ blueprint });
    const planned = training.streams ?? [];
    const schedule = scheduleOf(blueprint, planned, {
      ...training.costsMs,
      ...curvature.costsMs,
    } as unknown as CostsMs);
    const header = sessionHeader({ blueprint, planned, schedule, training, curvature });
    const log = await SessionLog.create(
      options.record
        ? { header, path: join(options.folder, fileName(header)) }
        : { header, temporary: true, folder: join(options.folder, header.id) },
    );
    const session = new LiveSession(
      log,
      threads,
      schedule.costsMs["step"] ?? 1,
      options.onTrouble ?? (() => {}),
    );
    session.begin(blueprint, planned, schedule);
    return session;
  } catch (cause) {
    await Promise.all(Object.values(threads).map((thread) => thread.terminate()));
    throw cause;
  }
}

function scheduleOf(blueprint: Blueprint, planned: readonly PlannedStream[], costsMs: CostsMs): Schedule {
  const { config, initial } = blueprint;
  const chosen: Record<string, number> = {
    ...chooseIntervals(costsMs, availableParallelism(), config.overhead),
    weights: config.weightsEvery ?? chooseWeightsEvery(initial.length, config.steps, config.recordingBudget),
  };
  const everyOf = ({ name, scheduleKey, role }: PlannedStream): number => {
    if (scheduleKey === null || (role === "geometry" && scheduleKey === "path")) return 1;
    return config.every[name] ?? config.every[scheduleKey] ?? chosen[scheduleKey] ?? 1;
  };
  const scheduled = planned.filter(({ scheduleKey }) => scheduleKey !== null);
  const measured = planned.filter(({ role }) => role === "curvature");
  return {
    everyOfStream: Object.fromEntries(scheduled.map((stream) => [stream.name, everyOf(stream)])),
    everyOfKey: Object.fromEntries(scheduled.map((stream) => [stream.scheduleKey ?? "", everyOf(stream)])),
    chosenBy: measured.every(
      ({ name, scheduleKey }) => name in config.every || (scheduleKey ?? "") in config.every,
    )
      ? "given"
      : "measured",
    costsMs: Object.fromEntries(
      Object.entries(costsMs).map(([name, ms]) => [name, Math.round(ms * 1000) / 1000]),
    ),
  };
}

/** Sorts by time; the id keeps two runs of one second apart. */
function fileName({ startedAtMs, name, id }: SessionHeader): string {
  const at = new Date(startedAtMs).toISOString().slice(0, 19).replaceAll(":", "-");
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "")
    .slice(0, 40);
  return `${at}-${slug || "run"}-${id.slice(0, 8)}.mcap`;
}

type Threads = Readonly<Record<"training" | "geometry" | "curvature", ThreadHandle>>;

export class LiveSession implements Session {
  readonly header: SessionHeader;
  readonly status$: Observable<SessionStatus>;
  readonly recordingPath: string | undefined;
  /** Resolves when the log is finished. */
  readonly ended: Promise<EndReason>;
  readonly #log: SessionLog;
  readonly #threads: Threads;
  readonly #channels: ReadonlyMap<string, number>;
  readonly #meter: OverheadMeter;
  readonly #onTrouble: (sentence: string) => void;
  readonly #answers = new Map<number, (reply: Extract<ThreadReply, { kind: "answer" }>) => void>();
  readonly #rings: RingBuffers[] = [];
  readonly #acks: SharedArrayBuffer[] = [];
  readonly #modes = createModeLine();
  #resolveEnded: (reason: EndReason) => void = () => {};
  #requests = 0;
  #newestStep = 0;
  #reason: EndReason = "finished";
  #ending: Promise<void> | null = null;

  constructor(log: SessionLog, threads: Threads, bareStepMs: number, onTrouble: (sentence: string) => void) {
    this.#log = log;
    this.#threads = threads;
    this.#onTrouble = onTrouble;
    this.#meter = new OverheadMeter(bareStepMs);
    this.header = log.header;
    this.status$ = log.status$;
    this.recordingPath = log.recordingPath;
    this.#channels = new Map(this.header.channels.map(({ name }, index) => [name, index]));
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    log.failure$.subscribe((failure) => {
      onTrouble(`${failure.message} Training is paused; what was recorded stays readable.`);
      this.#threads.training.send({ kind: "control", action: { action: "pause" }, request: -1 });
      log.setState("paused");
    });
  }

  begin(blueprint: Blueprint, planned: readonly PlannedStream[], schedule: Schedule): void {
    const { initial, probe, config } = blueprint;
    const plan: Plan = {
      streams: planned,
      everyOfStream: schedule.everyOfStream,
      everyOfKey: schedule.everyOfKey,
      bestEffort: config.bestEffort,
      channels: this.header.channels.map(({ name }) => name),
    };
    const ring = (slots: number) => {
      const buffers = createRing({
        slots,
        parameterCount: initial.length,
        lossCount: probe.length,
        readers: 1,
      });
      this.#rings.push(buffers);
      return buffers;
    };
    const all = ring(ringSlots(initial.length));
    const measured = ring(1);
    const { training, geometry, curvature } = this.#threads;
    const acksFor = (thread: ThreadHandle) => {
      const acks = createAcks();
      this.#acks.push(acks);
      thread.listen((reply) => this.#hear(thread, acks, reply));
      return acks;
    };
    const { from, to } = this.#modes;
    this.#status("info", "started", `training ${this.header.modelSummary} for ${this.header.steps} steps`);
    curvature.send({ kind: "begin", plan, acks: acksFor(curvature), ring: measured, modes: from }, [
      from.port,
    ]);
    geometry.send({ kind: "begin", plan, acks: acksFor(geometry), ring: all, modes: to }, [to.port]);
    training.send({ kind: "begin", plan, acks: acksFor(training), all, measured });
    Promise.all([training.done, geometry.done, curvature.done])
      .then(() => this.#end())
      .catch((cause: unknown) => this.#onTrouble(String(cause)));
  }

  get status(): SessionStatus {
    return this.#log.status;
  }

  cursor(options: CursorOptions): Cursor {
    return this.#log.cursor(options);
  }

  seqOfStep(step: number): Promise<number> {
    return this.#log.seqOfStep(step);
  }

  weights(step: number): Promise<WeightsResult> {
    return this.#log.weights(step);
  }

  hurry(): () => void {
    return this.#log.hurry();
  }

  async control(action: ControlAction): Promise<ControlResult> {
    if (this.#ending !== null || this.status.state === "ended") {
      return { accepted: false, code: "ended", message: `${action.action}: this session has ended` };
    }
    if (action.action === "stop") this.#reason = "stopped";
    const request = this.#requests++;
    const answered = new Promise<Extract<ThreadReply, { kind: "answer" }>>((resolve) => {
      this.#answers.set(request, resolve);
    });
    this.#threads.training.send({ kind: "control", action, request });
    const { refusal, step } = await answered;
    if (refusal !== null) return { accepted: false, ...refusal };
    this.#newestStep = Math.max(this.#newestStep, step);
    return { accepted: true, seq: this.#status("info", `control-${action.action}`, said(action)) };
  }

  /** Ends training within a step, lets measurements that run complete, and finishes the recording. */
  async stop(reason: EndReason = "stopped"): Promise<void> {
    if (this.status.state !== "ended" && this.#ending === null) {
      this.#reason = reason;
      this.#threads.training.send({ kind: "control", action: { action: "stop" }, request: -1 });
    }
    await this.ended;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#log.close();
  }

  #hear(thread: ThreadHandle, acks: SharedArrayBuffer, reply: ThreadReply): void {
    switch (reply.kind) {
      case "batch":
        for (const sample of reply.samples) this.#append(sample);
        if (this.#log.backlogBytes <= BACKLOG_BYTES) acknowledge(acks);
        else void this.#log.whenBelow(BACKLOG_BYTES).then(() => acknowledge(acks));
        return;
      case "busy":
        this.#meter.busy(thread.name, reply.busyMs);
        return;
      case "pace":
        this.#newestStep = Math.max(this.#newestStep, reply.step);
        this.#append(json("run/overhead", reply.step, this.#meter.reading(reply.stepMs)));
        return;
      case "state":
        if (this.status.state !== "diverged") this.#log.setState(reply.state);
        return;
      case "diverged":
        this.#newestStep = reply.step;
        this.#status(
          "error",
          "diverged",
          `${reply.what} at step ${reply.step}; the last finite θ is kept, training is paused`,
        );
        this.#log.setState("diverged");
        return;
      case "answer":
        this.#answers.get(reply.request)?.(reply);
        this.#answers.delete(reply.request);
        return;
      case "broken":
      case "refused":
        this.#onTrouble(`${thread.name} thread: ${reply.message}`);
        this.#status(
          "error",
          "thread-failed",
          `the ${thread.name} thread failed: ${reply.message.split("\n")[0]}`,
        );
        this.#fail();
        return;
      default:
    }
  }

  #append({ channel, step, json: text, weights, bytes }: PackedSample): number {
    const index = this.#channels.get(channel);
    if (index === undefined) throw new Error(`channel ${channel} is not in the header`);
    if (text !== undefined) return this.#log.append(index, step, { json: text });
    if (weights !== undefined) return this.#log.append(index, step, { weights });
    return this.#log.append(index, step, { bytes: bytes ?? new Uint8Array() });
  }

  #status(level: RunStatus["level"], code: string, message: string): number {
    return this.#append(json("run/status", this.#newestStep, { level, code, message } satisfies RunStatus));
  }

  /** A bug in a thread ends the session, with everything it has said. */
  #fail(): void {
    this.#reason = "failed";
    for (const ring of this.#rings) abandonRing(ring);
    for (const acks of this.#acks) abandonAcks(acks);
    endModes(this.#modes.from);
    void Promise.all(Object.values(this.#threads).map((thread) => thread.terminate()));
  }

  async #end(): Promise<void> {
    this.#ending ??= (async () => {
      const { step } = this.#log.status;
      this.#newestStep = Math.max(this.#newestStep, step);
      this.#status(
        "info",
        this.#reason,
        `training ${this.#reason} at step ${this.#newestStep} of ${this.header.steps}`,
      );
      await Promise.all(Object.values(this.#threads).map((thread) => thread.terminate()));
      await this.#log.finish(this.#reason);
      this.#resolveEnded(this.#reason);
    })();
    await this.#ending;
  }
}

function json(channel: string, step: number, value: unknown): PackedSample {
  return { channel, step, json: encodeValue(value) };
}

function said(action: ControlAction): string {
  switch (action.action) {
    case "set":
      return `learning rate set to ${action.learningRate}`;
    case "measure":
      return `measurement of ${action.stream ?? action.experiment ?? ""} asked for`;
    default:
      return `${action.action} asked for`;
  }
}

/** A run that is going on, as a session: the log in front, three threads behind. */
import { setTimeout as afterMs } from "node:timers/promises";
import type { Observable } from "rxjs";
import type { EndReason, ForkOrigin, SessionHeader } from "../../shared/header.ts";
import { whole } from "../../shared/number-words.ts";
import type { ControlAction, Watermarks } from "../../shared/protocol.ts";
import type { RunStatus } from "../../shared/readings.ts";
import { changesInWords } from "../../shared/session-words.ts";
import { encodeValue } from "../../shared/value.ts";
import type { RecordingError } from "../recording/recording-error.ts";
import type { Hole } from "../recording/segments.ts";
import type { SessionLog } from "../session/log.ts";
import type { Recovery } from "../session/log-writer.ts";
import type {
  ControlResult,
  Cursor,
  CursorOptions,
  Session,
  SessionStatus,
  WeightsResult,
} from "../session/session.ts";
import type { Blueprint } from "../training/run.ts";
import type { LeftOut } from "./affordable.ts";
import type { PackedSample, Plan, PlannedStream, ThreadReply } from "./messages.ts";
import { createModeLine, endModes } from "./mode-line.ts";
import { abandonAcks, acknowledge, createAcks } from "./outbox.ts";
import { OverheadMeter } from "./overhead.ts";
import { abandonRing, type Carried, createRing, type RingBuffers, ringSlots, unreadSteps } from "./ring.ts";
import type { Schedule } from "./session-header.ts";
import type { ThreadHandle } from "./thread-handle.ts";

const PATIENCE_MS = 2000;

/**
 * Due steps that may wait for their measurement before training waits for them, memory permitting: cheap ones must not hold training up
 * because a dear one is running. Under --best-effort none may.
 */
const WAITING_STEPS = 32;

/** A thread that runs ahead of the disk waits once this much is not yet written. */
const BACKLOG_BYTES = 8 * 2 ** 20;

export type Threads = Readonly<Record<"training" | "geometry" | "curvature", ThreadHandle>>;

type Answer = Extract<ThreadReply, { kind: "answer" }>;

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
  /** Who has asked the training thread for something; null says that it is gone. */
  readonly #asking = new Map<number, (answer: Answer | null) => void>();
  readonly #acks: SharedArrayBuffer[] = [];
  readonly #modes = createModeLine();
  #resolveEnded: (reason: EndReason) => void = () => {};
  #requests = 0;
  #waitsForDisk = false;
  #newestStep = 0;
  #reason: EndReason = "finished";
  #isUnmeasured = false;
  /** What geometry and what curvature read, while there are threads. */
  #rings: { readonly all: RingBuffers; readonly measured: RingBuffers } | null = null;
  /** The threads are sent away, or will be before anything else happens. */
  #isOver = false;

  /** @param onTrouble  tells the person at the terminal. */
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
    log.failure$.subscribe((failure) => this.#stumble(failure));
    log.recovery$.subscribe((recovery) => this.#goOn(recovery));
  }

  /** @param backends  in one sentence: which serves which role. */
  begin(
    blueprint: Blueprint,
    planned: readonly PlannedStream[],
    schedule: Schedule,
    said: { readonly leftOut: readonly LeftOut[]; readonly backends: string },
  ): void {
    const { initial, probe, config } = blueprint;
    const plan: Plan = {
      streams: planned,
      everyOfStream: schedule.everyOfStream,
      everyOfKey: schedule.everyOfKey,
      bestEffort: config.bestEffort,
      channels: this.header.channels.map(({ name }) => name),
    };
    const sizes = { parameterCount: initial.length, lossCount: probe.length, readers: 1 };
    const all = createRing({ ...sizes, slots: ringSlots(initial.length), carries: [] });
    const carried = carriedFor(planned);
    const waiting = Math.min(WAITING_STEPS, ringSlots(initial.length * (1 + carried.length)));
    const measured = createRing({ ...sizes, slots: config.bestEffort ? 1 : waiting, carries: carried });
    this.#rings = { all, measured };
    const { training, geometry, curvature } = this.#threads;
    const acksFor = (thread: ThreadHandle) => {
      const acks = createAcks();
      this.#acks.push(acks);
      thread.listen((reply) => this.#hear(thread, acks, reply));
      return acks;
    };
    const { from, to } = this.#modes;
    const { modelSummary, steps, fork } = this.header;
    this.#newestStep = fork?.step ?? 0;
    this.#status("info", "started", `training ${modelSummary} for ${whole(steps)} steps; ${said.backends}`);
    if (fork !== undefined) this.#status("info", "forked", forkSentence(fork));
    for (const { stream, isWanted, message } of said.leftOut) {
      this.#status(isWanted ? "warning" : "info", "stream-left-out", message, stream);
    }
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

  get watermarks(): Watermarks {
    return this.#log.watermarks;
  }

  cursor(options: CursorOptions): Cursor {
    return this.#log.cursor(options);
  }

  holeAt(seq: number): Hole | undefined {
    return this.#log.holeAt(seq);
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
    const isStop = action.action === "stop";
    if (this.#isOver && !(isStop && this.#isKept)) return { accepted: false, ...ended(action) };
    // Whoever pauses or resumes by hand has taken over.
    if (action.action === "pause" || action.action === "resume") this.#waitsForDisk = false;
    if (isStop) this.#letGo();
    const refusal = this.#isOver ? null : await this.#ask(action);
    if (refusal !== null) return { accepted: false, ...refusal };
    return { accepted: true, seq: this.#status("info", `control-${action.action}`, said(action)) };
  }

  /** Has the training thread do it. */
  async #ask(action: ControlAction): Promise<Answer["refusal"]> {
    const request = this.#requests++;
    const answered = new Promise<Answer | null>((resolve) => this.#asking.set(request, resolve));
    this.#threads.training.send({ kind: "control", action, request });
    const answer = await answered;
    if (answer === null) return ended(action);
    this.#newestStep = Math.max(this.#newestStep, answer.step);
    return answer.refusal;
  }

  /** Ends training within a step, gives measurements a few seconds more, and finishes the recording. */
  async stop(): Promise<void> {
    this.#letGo();
    this.#threads.training.send({ kind: "control", action: { action: "stop" }, request: -1 });
    await this.ended;
  }

  /** Does the disk take nothing, and is everything kept for it? */
  get #isKept(): boolean {
    return this.status.trouble?.isKept === true;
  }

  /** From now on neither the disk is waited for, nor for long a measurement. */
  #letGo(): void {
    this.#log.letGo();
    if (this.#isOver || this.#reason !== "finished") return;
    this.#reason = "stopped";
    void this.#giveUpMeasuring();
  }

  /**
   * A measurement cannot be interrupted; one that takes long is lost with its thread and with those that wait behind it, and the log says so.
   * Training waits for them where they are many, geometry for each v₁: both go on without.
   */
  async #giveUpMeasuring(): Promise<void> {
    const { training, geometry, curvature } = this.#threads;
    const over = Promise.all([training.done, geometry.done, curvature.done]).then(() => true);
    const patience = () => afterMs(PATIENCE_MS, false, { ref: false });
    while (!(await Promise.race([over, patience()]))) {
      const measured = this.#rings?.measured;
      // Nothing to measure: it is a step of training that takes long.
      if (measured === undefined || unreadSteps(measured) === 0) continue;
      this.#status(
        "warning",
        "measurement-abandoned",
        "a measurement was still running when the run was stopped",
      );
      this.#isUnmeasured = true;
      abandonRing(measured);
      endModes(this.#modes.from);
      await curvature.terminate();
      return;
    }
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
          `${reply.what} at step ${whole(reply.step)}; the last finite θ is kept, training is paused`,
        );
        this.#log.setState("diverged");
        return;
      case "answer":
        this.#asking.get(reply.request)?.(reply);
        this.#asking.delete(reply.request);
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
    this.#newestStep = Math.max(this.#newestStep, step);
    if (text !== undefined) return this.#log.append(index, step, { json: text });
    if (weights !== undefined) return this.#log.append(index, step, { weights });
    return this.#log.append(index, step, { bytes: bytes ?? new Uint8Array() });
  }

  #status(level: RunStatus["level"], code: string, message: string, stream?: string): number {
    const value: RunStatus = { level, code, message, ...(stream === undefined ? {} : { stream }) };
    return this.#append(json("run/status", this.#newestStep, value));
  }

  /** Nothing can be recorded. What is said of it here cannot be either, so it also goes with the session's state. */
  #stumble({ code, message }: RecordingError): void {
    const consequence = this.#isKept
      ? `${this.#isOver ? "The end of the run waits" : "Training is paused"} until the disk takes events again; nothing is lost so far.`
      : "Training goes on unrecorded; the recording will have a gap.";
    const isEnd = this.#isOver && !this.#isKept;
    this.#onTrouble(isEnd ? message : `${message}. ${consequence}`);
    if (isEnd) return;
    this.#status("error", code, `${message}. ${consequence}`);
    if (!this.#isKept || this.status.state !== "running") return;
    this.#waitsForDisk = true;
    this.#log.setState("paused");
    this.#threads.training.send({ kind: "control", action: { action: "pause" }, request: -1 });
  }

  #goOn({ lost }: Recovery): void {
    const message =
      lost === null
        ? "the disk takes events again; nothing was lost"
        : `the disk takes events again; seq ${lost.fromSeq} to ${lost.toSeq} are not in the recording`;
    this.#onTrouble(message);
    this.#status(lost === null ? "info" : "warning", "recording-resumed", message);
    if (!this.#waitsForDisk) return;
    this.#waitsForDisk = false;
    this.#threads.training.send({ kind: "control", action: { action: "resume" }, request: -1 });
  }

  /** A bug in a thread ends the session, with everything it has said. */
  #fail(): void {
    this.#reason = "failed";
    for (const ring of Object.values(this.#rings ?? {})) abandonRing(ring);
    for (const acks of this.#acks) abandonAcks(acks);
    endModes(this.#modes.from);
    void this.#dismissThreads();
  }

  async #end(): Promise<void> {
    const { steps } = this.header;
    const isTrained = this.#newestStep === steps && this.status.state !== "diverged";
    // Who stops a run that has made all its steps stops nothing but measurements.
    if (isTrained && this.#reason === "stopped" && !this.#isUnmeasured) this.#reason = "finished";
    const sentence =
      isTrained && this.#reason === "stopped"
        ? `training finished at step ${whole(steps)} of ${whole(steps)}; its last measurements were stopped`
        : `training ${this.#reason} at step ${whole(this.#newestStep)} of ${whole(steps)}`;
    const reason = this.#reason;
    this.#status("info", reason, sentence);
    await this.#dismissThreads();
    // As long as it takes, where events are kept for a disk that takes none; somebody may let go.
    await this.#log.flush();
    await this.#log.whenBelow(0);
    await this.#log.finish(reason);
    this.#resolveEnded(reason);
  }

  /** Whom they have not answered by now they never will. */
  async #dismissThreads(): Promise<void> {
    this.#isOver = true;
    await Promise.all(Object.values(this.#threads).map((thread) => thread.terminate()));
    for (const answer of this.#asking.values()) answer(null);
    this.#asking.clear();
    // Sessions stay for as long as the server does.
    this.#rings = null;
  }
}

/** What streams of the curvature thread need of a step beyond θ. */
function carriedFor(planned: readonly PlannedStream[]): readonly Carried[] {
  const isPlanned = (stream: string) => planned.some(({ name }) => name === stream);
  return [
    ...(isPlanned("hessian/directional") ? (["previousTheta"] as const) : []),
    ...(isPlanned("hessian/preconditioned") ? (["preconditioner"] as const) : []),
  ];
}

function json(channel: string, step: number, value: unknown): PackedSample {
  return { channel, step, json: encodeValue(value) };
}

function forkSentence(origin: ForkOrigin): string {
  const { name, session, step } = origin;
  return `goes on from step ${whole(step)} of ${name} (${session.slice(0, 8)}), ${changesInWords(origin) || "with the same settings"}`;
}

function ended({ action }: ControlAction): { readonly code: string; readonly message: string } {
  return { code: "ended", message: `${action}: this session has ended` };
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

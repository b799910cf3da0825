/** `thalweg train`: one run, live, recorded, with the dashboard beside it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { HTTP_ERRORS } from "../../shared/http.ts";
import { count, whole } from "../../shared/number-words.ts";
import type { StartRun } from "../gateway/http.ts";
import { RecordingError } from "../recording/recording-error.ts";
import { Catalogue } from "../session/catalogue.ts";
import { SessionLibrary } from "../session/library.ts";
import { LibraryError } from "../session/library-error.ts";
import type { LogKeeping } from "../session/log.ts";
import type { LiveSession } from "../threads/live-session.ts";
import { expectStartable, startLiveSession } from "../threads/start-live-session.ts";
import type { RunSettings } from "../training/config.ts";
import { namesFiles } from "../training/data/load-dataset.ts";
import { parseSettings, shown } from "../training/parse-settings.ts";
import { UserError } from "../training/user-error.ts";
import { openParent, type Parent, type PlannedRun, planRun } from "./plan-run.ts";
import { reportProgress } from "./progress.ts";
import { readSize } from "./quantities.ts";
import { printLaunch, serve, untilInterrupted } from "./serve.ts";
import { liveElsewhere } from "./server-card.ts";
import { keepingOf, readSettings } from "./server-settings.ts";
import { outgrown, RECORDINGS_LIMIT } from "./sessions.ts";

/** @param modulePath  a user's module, or undefined for a built-in task. */
export async function trainCommand(
  modulePath: string | undefined,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { run, server } = await readSettings(flags);
  const record = server.record ?? true;
  const limit = readSize("recordings-limit", server.recordingsLimit ?? RECORDINGS_LIMIT);
  const recordings = resolve(server.recordings ?? "recordings");
  const planned = await planRun(run, modulePath, (named) => openParent(named, recordings));
  await expectStartable({ ...planned, folder: record ? recordings : tmpdir() });
  // Before anything is there that could be left behind.
  await untilInterrupted(async (interrupted) => {
    const folder = record ? recordings : await mkdtemp(join(tmpdir(), "thalweg-"));
    const catalogue = new Catalogue(recordings);
    const library = new SessionLibrary({ catalogue, liveElsewhere });
    const live = new LiveRuns(library, folder, record, keepingOf(server));
    try {
      const served = await serve(library, server, live.startRun);
      console.log("starting   reading the data, testing the backend, timing what measurements cost …");
      try {
        const session = await Promise.race([live.start(planned), interrupted]);
        if (session) {
          announce(session, await outgrown(catalogue, limit));
          printLaunch(served, server);
          console.log("           Ctrl-C ends the run and finishes the recording.");
          await interrupted;
          console.log("\nfinishing the recording …");
        }
        await live.stop();
      } finally {
        await served.close();
      }
    } finally {
      await live.close();
      await library.close();
      if (!record) await rm(folder, { recursive: true, force: true });
    }
    if (live.hasLostEvents) process.exitCode = 1;
    console.log(live.hasLostEvents ? "done, but not everything was recorded." : "done.");
  });
}

/** @param tooMuch  what is to be said of the recordings that are there already. */
function announce({ header, recordingPath }: LiveSession, tooMuch: string | null): void {
  const { name, modelSummary, steps, backend, fork } = header;
  console.log(`training   ${name}: ${modelSummary}, ${count(steps, "step")}, backend ${backend}`);
  if (fork !== undefined)
    console.log(`forked     from step ${whole(fork.step)} of ${fork.name} (${fork.session})`);
  console.log(`recording  ${recordingPath ?? "off (--no-record)"}`);
  if (tooMuch !== null) console.log(`           ${tooMuch}`);
}

/** The runs of one server: one at a time trains. */
class LiveRuns {
  readonly #library: SessionLibrary;
  readonly #folder: string;
  readonly #record: boolean;
  readonly #keeping: LogKeeping;
  readonly #all: LiveSession[] = [];
  readonly #ending = new AbortController();
  /** As long as one starts, no other can. The first is the command's own. */
  #starting: Promise<unknown> | null = Promise.resolve();

  constructor(library: SessionLibrary, folder: string, record: boolean, keeping: LogKeeping) {
    this.#library = library;
    this.#folder = folder;
    this.#record = record;
    this.#keeping = keeping;
  }

  start(planned: PlannedRun): Promise<LiveSession> {
    return this.#oneAtATime(() => this.#start(planned));
  }

  /**
   * A run asked for over HTTP: built-in tasks and data only, forks of sessions that are served here, and `replace` to end the run that is
   * going on.
   */
  readonly startRun: StartRun = async (body) => {
    const { replace, ...rest } =
      typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
    const parsed = parseSettings(rest);
    if (!parsed.ok) return refused(400, "settings", parsed.problems.join("; "));
    const { settings } = parsed;
    const { dataset, model } = settings;
    if (model !== undefined || (dataset !== undefined && namesFiles(dataset))) return refusedFiles(model);
    if (this.#starting !== null) return refused(409, "busy", "another run is just starting");
    return this.#oneAtATime(() => this.#startAsked(settings, replace === true));
  };

  async #startAsked(settings: RunSettings, replaces: boolean): ReturnType<StartRun> {
    try {
      const planned = await planRun(settings, undefined, (id) => this.#served(id));
      // Whoever may start a run may not have the server read files, also not those that a recording names.
      if (planned.config.model !== null || namesFiles(planned.config.dataset))
        return refusedFiles(planned.config.model);
      const running = this.#all.find(({ status }) => status.state !== "ended");
      if (running !== undefined && !replaces) {
        return refused(
          409,
          "busy",
          `run ${running.header.id} is going on; send "replace": true to stop it first`,
        );
      }
      await expectStartable({ ...planned, folder: this.#folder });
      await running?.stop();
      return { id: (await this.#start(planned)).header.id };
    } catch (cause) {
      if (this.#ending.signal.aborted) return refused(503, "draining", "the server is stopping");
      if (cause instanceof UserError) return refused(400, cause.code, cause.message.replaceAll("\n", "; "));
      if (cause instanceof RecordingError)
        return refused(
          HTTP_ERRORS[cause.code],
          cause.code,
          cause.message.replaceAll(this.#folder, "recordings"),
        );
      throw cause;
    }
  }

  async #oneAtATime<Started>(start: () => Promise<Started>): Promise<Started> {
    const started = start();
    this.#starting = started;
    try {
      return await started;
    } finally {
      this.#starting = null;
    }
  }

  async #start(planned: PlannedRun): Promise<LiveSession> {
    const session = await startLiveSession({
      ...planned,
      folder: this.#folder,
      record: this.#record,
      keeping: this.#keeping,
      signal: this.#ending.signal,
      onTrouble: (sentence) => console.error(`thalweg: ${sentence}`),
    });
    this.#all.push(session);
    this.#library.add(session);
    reportProgress(session);
    return session;
  }

  /** Did one end while its disk took nothing? */
  get hasLostEvents(): boolean {
    return this.#all.some(({ status }) => (status.trouble ?? null) !== null);
  }

  async #served(id: string): Promise<Parent> {
    const session = await this.#library.resolve(id).catch((cause: unknown) => {
      if (cause instanceof LibraryError) throw new UserError(cause.code, `fork: ${cause.message}`);
      throw cause;
    });
    if (session === undefined)
      throw new UserError(
        "unknown-session",
        `fork: expected the id of a session of this server, got ${shown(id)}`,
      );
    return { session, release: async () => undefined };
  }

  /** Also one that is just starting, and there are no more. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#starting?.catch(() => undefined);
    await Promise.all(this.#all.map((session) => session.stop()));
  }

  async close(): Promise<void> {
    await this.stop();
    await Promise.all(this.#all.map((session) => session.close()));
  }
}

function refused(status: number, code: string, message: string) {
  return { status, code, message };
}

function refusedFiles(model: unknown) {
  const which = model === undefined || model === null ? "dataset" : "model";
  return refused(400, "settings", `${which}: expected a built-in one over the network, got a file`);
}

/** `thalweg train`: one run, live, recorded, with the dashboard beside it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { StartRun } from "../gateway/http.ts";
import { Catalogue } from "../session/catalogue.ts";
import { SessionLibrary } from "../session/library.ts";
import type { LogKeeping } from "../session/log.ts";
import type { LiveSession } from "../threads/live-session.ts";
import { startLiveSession } from "../threads/start-live-session.ts";
import type { RunConfig, RunSettings } from "../training/config.ts";
import { namesFiles } from "../training/data/load-dataset.ts";
import { lookAtFiles } from "../training/look-at-files.ts";
import { parseSettings } from "../training/parse-settings.ts";
import { resolveSettings } from "../training/resolve.ts";
import { UserError } from "../training/user-error.ts";
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
  await resolved(run, modulePath);
  const record = server.record ?? true;
  const recordings = resolve(server.recordings ?? "recordings");
  const folder = record ? recordings : await mkdtemp(join(tmpdir(), "thalweg-"));
  const catalogue = new Catalogue(recordings);
  const library = new SessionLibrary({ catalogue, liveElsewhere });
  const live = new LiveRuns(library, folder, record, keepingOf(server));
  const served = await serve(library, server, live.startRun);
  let session: LiveSession;
  try {
    session = await live.start(run, modulePath);
  } catch (cause) {
    await served.close();
    if (!record) await rm(folder, { recursive: true, force: true });
    throw cause;
  }
  // Before anything is said: from the first word on, Ctrl-C finishes the recording.
  const interrupted = untilInterrupted(async () => {
    console.log("\nfinishing the recording …");
    await live.stop();
    await served.close();
    await live.close();
    await library.close();
    if (!record) await rm(folder, { recursive: true, force: true });
    if (live.hasLostEvents) process.exitCode = 1;
    console.log(live.hasLostEvents ? "done, but not everything was recorded." : "done.");
  });
  const { header, recordingPath } = session;
  console.log(
    `training   ${header.name}: ${header.modelSummary}, ${header.steps} steps, backend ${header.backend}`,
  );
  console.log(`recording  ${recordingPath ?? "off (--no-record)"}`);
  const limit = readSize("recordings-limit", server.recordingsLimit ?? RECORDINGS_LIMIT);
  const tooMuch = await outgrown(catalogue, limit);
  if (tooMuch !== null) console.log(`           ${tooMuch}`);
  printLaunch(served, server);
  console.log("           Ctrl-C ends the run and finishes the recording.");
  await interrupted;
}

/** @throws {UserError} for settings that cannot be, or files that they name. */
async function resolved(settings: RunSettings, modulePath: string | undefined): Promise<RunConfig> {
  const answer = resolveSettings(settings, modulePath === undefined ? await lookAtFiles(settings) : null);
  if (!answer.ok) throw new UserError("settings", answer.problems.join("\n"));
  return answer.config;
}

/** The runs of one server: one at a time trains. */
class LiveRuns {
  readonly #library: SessionLibrary;
  readonly #folder: string;
  readonly #record: boolean;
  readonly #keeping: LogKeeping;
  readonly #all: LiveSession[] = [];
  #starting = false;

  constructor(library: SessionLibrary, folder: string, record: boolean, keeping: LogKeeping) {
    this.#library = library;
    this.#folder = folder;
    this.#record = record;
    this.#keeping = keeping;
  }

  async start(settings: RunSettings, modulePath?: string): Promise<LiveSession> {
    const session = await startLiveSession({
      config: await resolved(settings, modulePath),
      module: modulePath === undefined ? null : { path: resolve(modulePath), settings },
      folder: this.#folder,
      record: this.#record,
      keeping: this.#keeping,
      onTrouble: (sentence) => console.error(`thalweg: ${sentence}`),
    });
    this.#all.push(session);
    this.#library.add(session);
    reportProgress(session);
    return session;
  }

  /** A run asked for over HTTP: built-in tasks and data only, and `replace` to end the one that is going on. */
  readonly startRun: StartRun = async (body) => {
    const { replace, ...rest } =
      typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
    const refused = (status: number, code: string, message: string) => ({ status, code, message });
    const parsed = parseSettings(rest);
    if (!parsed.ok) return refused(400, "settings", parsed.problems.join("; "));
    const { dataset, model } = parsed.settings;
    if (model !== undefined || (dataset !== undefined && namesFiles(dataset))) {
      const which = model === undefined ? "dataset" : "model";
      return refused(400, "settings", `${which}: expected a built-in one over the network, got a file`);
    }
    const checked = resolveSettings(parsed.settings);
    if (!checked.ok) return refused(400, "settings", checked.problems.join("; "));
    if (this.#starting) return refused(409, "busy", "another run is just starting");
    const running = this.#all.find(({ status }) => status.state !== "ended");
    if (running !== undefined && replace !== true) {
      return refused(
        409,
        "busy",
        `run ${running.header.id} is going on; send "replace": true to stop it first`,
      );
    }
    this.#starting = true;
    try {
      await running?.stop();
      return { id: (await this.start(parsed.settings)).header.id };
    } catch (cause) {
      if (cause instanceof UserError) return refused(400, cause.code, cause.message);
      throw cause;
    } finally {
      this.#starting = false;
    }
  };

  /** Did one end while its disk took nothing? */
  get hasLostEvents(): boolean {
    return this.#all.some(({ status }) => (status.trouble ?? null) !== null);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((session) => session.stop()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((session) => session.close()));
  }
}

/**
 * `thalweg` as a whole: its commands and their flags, and what it says and answers when something is wrong.
 * Each command loads its code when it is called: `sessions` needs no engine.
 */
import { Command, CommanderError } from "commander";
import { BackendError } from "../backends/backend-error.ts";
import { EngineError } from "../engine/engine-error.ts";
import { ListenError } from "../gateway/listen.ts";
import { RecordingError } from "../recording/recording-error.ts";
import { thalwegVersion } from "../threads/versions.ts";
import { PRESETS } from "../training/presets.ts";
import { SETTING_FLAGS } from "../training/settings-flags.ts";
import { UserError } from "../training/user-error.ts";
import { SERVER_FLAGS, type ServerSettings } from "./server-settings.ts";

/** What the user can put right, as in most Unix tools; each of these is one sentence. */
const EXIT_USAGE = 2;
const FORESEEN = [UserError, ListenError, RecordingError, BackendError, EngineError] as const;

/** Of a server that writes a recording. */
const WRITING: ReadonlySet<string> = new Set<keyof ServerSettings>([
  "recordingsLimit",
  "record",
  "sync",
  "onRecordFailure",
  "segmentSize",
]);

/**
 * @param args  what stands behind `thalweg`.
 * @returns the exit code, once the command is done; undefined: what `process.exitCode` says, 0 unless a run lost something. Never rejects.
 */
export async function runProgram(args: readonly string[]): Promise<number | undefined> {
  try {
    await createProgram().parseAsync(args, { from: "user" });
    return undefined;
  } catch (cause) {
    return report(cause);
  }
}

/** Anew for each use: commander keeps what it has parsed. */
function createProgram(): Command {
  const program = new Command("thalweg")
    .description("A live, recorded view of the loss landscape while a neural network trains.")
    .version(thalwegVersion())
    .exitOverride()
    .configureOutput({ outputError: () => {} });

  function command(usage: string, description: string): Command {
    return program
      .command(usage)
      .description(description)
      .exitOverride()
      .configureOutput({ outputError: () => {} });
  }

  const serverFlags = (to: Command, writes: boolean): Command => {
    for (const { key, flags, help, read } of SERVER_FLAGS) {
      if (!writes && WRITING.has(key)) continue;
      if (read === undefined) to.option(flags, help);
      else to.option(flags, help, read);
    }
    return to.option("--config <file>", "JSON file with the same settings; flags go over it");
  };

  const train = command("train [module]", "train, watch, record; [module] is a run of your own");
  train.optionsGroup("The run:");
  for (const { flags, help, read } of SETTING_FLAGS) train.option(flags, help, read);
  serverFlags(train.optionsGroup("The server and its recordings:"), true);
  train.action(async (module: string | undefined) =>
    (await import("./train.ts")).trainCommand(module, given(train)),
  );

  const replay = serverFlags(
    command("replay <recording>", "serve a recording, by file or id, to the same dashboard"),
    false,
  )
    .option("--speed <x>", "times the speed at which it was recorded")
    .option("--from-step <n>", "begin at this step");
  replay.action(async (file: string) => (await import("./replay.ts")).replayCommand(file, given(replay)));

  const open = command("open", "print a fresh launch URL of each running server").option(
    "--port <n>",
    "of this server",
  );
  open.action(async () => (await import("./open.ts")).openCommand(given(open)));

  const share = command("share", "a link for reading one session of a running server, and nothing else")
    .option("--session <id>", "which, by the beginning of its id; without it the live one")
    .option("--expires <time>", "how long it is good at most, like 12h or 7d (1d); it ends with the server")
    .option("--origin <address>", "by what address others reach the server, like https://lab.example:4242")
    .option("--list", "the links that are good now")
    .option("--revoke <link>", "take one back, by the id that --list shows")
    .option("--port <n>", "of this server");
  share.action(async () => (await import("./share.ts")).shareCommand(given(share)));

  const inFolder = (to: Command): Command =>
    to.option("--recordings <folder>", "where the recordings are (recordings)");
  const sessions = inFolder(command("sessions", "list the recordings of a folder")).option(
    "--json",
    "as JSON",
  );
  sessions.action(async () => (await import("./sessions.ts")).sessionsCommand(given(sessions)));

  const info = inFolder(command("info <recording>", "what a recording holds; by file or id")).option(
    "--json",
    "with the whole header, as JSON",
  );
  info.action(async (which: string) => (await import("./sessions.ts")).infoCommand(which, given(info)));

  const imported = inFolder(command("import <files...>", "take recordings from elsewhere into the folder"));
  imported.action(async (files: string[]) =>
    (await import("./sessions.ts")).importCommand(files, given(imported)),
  );

  const prune = inFolder(command("prune", "delete the oldest recordings; never one that is being written"))
    .option("--keep-days <n>", "delete those that were started before")
    .option("--limit <size>", "delete until the rest takes no more than this (10GiB, without --keep-days)")
    .option("--dry-run", "say which, and delete nothing");
  prune.action(async () => (await import("./sessions.ts")).pruneCommand(given(prune)));

  const diff = inFolder(
    command("diff <a> <b>", "compare two recordings, by file or id, sample by sample"),
  ).option("--json", "the whole answer as JSON");
  diff.action(async (a: string, b: string) => (await import("./diff.ts")).diffCommand(a, b, diff.opts()));

  const recover = command(
    "recover <file>",
    "make a whole recording of what is intact in a cut or damaged one",
  )
    .option("--out <file>", "where to; without it <file>.recovered.mcap. Nothing is overwritten")
    .option("--json", "the whole answer as JSON");
  recover.action(async (file: string) => (await import("./recover.ts")).recoverCommand(file, recover.opts()));

  const verify = inFolder(
    command(
      "verify <recording>",
      "derive samples of every stream anew, from the recorded weights; by file or id",
    ),
  )
    .option("--samples <n>", "of each stream; without it 20, and fewer of those that are dear to derive")
    .option("--seed <n>", "draws the samples (1)")
    .option("--stream <name...>", "only these streams")
    .option("--json", "the whole answer as JSON");
  verify.action(async (file: string) => (await import("./verify.ts")).verifyCommand(file, verify.opts()));

  const hessian = inFolder(
    command(
      "hessian <source>",
      "the Hessian's spectrum at one θ: of a recording, by file or id, of a model.json, a .npy or a .safetensors file",
    ),
  )
    .option("--step <n>", "of a recording: which step's θ; without it the last one")
    .option("--module <file>", "of a run of your own, or of its weights: the module that was trained")
    .option("--preset <name>", "of a file: the preset whose network and data its weights belong to")
    .option("--config <file>", "of a file: the same as a JSON file of settings")
    .option("--dataset <name>", "of a model.json: the data that it is for, as train has it")
    .option("--label <column>", "of a model.json and a CSV file: the column to be learned (the last)")
    .option("--loss <name>", "of a model.json: cross-entropy, unless the data are numbers to be learned")
    .option("--top <n>", "how many of the largest eigenvalues (classes + 2)")
    .option("--bottom <n>", "how many of the smallest (2)")
    .option("--density", "the density of all eigenvalues, by stochastic Lanczos quadrature")
    .option("--exact", "all eigenvalues in float64 beside them; up to 3,000 weights")
    .option("--json", "the whole answer as JSON");
  hessian.action(async (source: string) =>
    (await import("./hessian.ts")).hessianCommand(source, hessian.opts()),
  );

  const tasks = command("tasks", "list the built-in tasks, their networks and data")
    .option("--measure", "time a second of training of each, on this machine")
    .option("--json", "the whole answer as JSON");
  tasks.action(async () => (await import("./tasks.ts")).tasksCommand(tasks.opts()));

  command("presets", "list the presets and what to look for in each").action(() => {
    for (const { name, title, about } of PRESETS) console.log(`${name}\n  ${title}. ${about}\n`);
  });
  return program;
}

/** Only what was said: defaults are the presets' business. */
function given(of: Command): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(of.opts()).filter(([key]) => of.getOptionValueSource(key) === "cli"),
  );
}

function report(cause: unknown): number {
  if (cause instanceof CommanderError) {
    if (cause.exitCode === 0) return 0;
    if (cause.code !== "commander.help") say(cause.message.replace(/^error: /, ""));
    return EXIT_USAGE;
  }
  if (FORESEEN.some((kind) => cause instanceof kind)) {
    say((cause as Error).message);
    return EXIT_USAGE;
  }
  say(`this is a bug: ${cause instanceof Error ? cause.stack : String(cause)}`);
  return 1;
}

function say(lines: string): void {
  for (const line of lines.split("\n")) console.error(`thalweg: ${line}`);
}

/** Command lines that nobody should type: exit code 2, a sentence for each thing that is wrong, never a stack trace. */
import type { Random } from "../../server/numerics/random.ts";
import { runHere } from "../support/run-here.ts";
import { runCli } from "../support/spawned-server.ts";
import type { Failures } from "./check.ts";

/** A process takes half a second and more. */
const ONE_PROCESS_IN = 100;

const NO_NUMBERS = ["x", "-1", "NaN", "Infinity", "1e999", "🙂", "__proto__", "1;2"];
const NO_NAMES = ["x", "🙂", "__proto__", "constructor", "a".repeat(300), "--help"];
const NO_RECORDINGS = [
  "package.json",
  "/dev/null",
  "../x",
  "nothing.mcap",
  ".",
  "🙂",
  "a".repeat(5000),
  "\0",
];

/** Each wrong beyond doubt, and found to be before anything is trained, served or deleted. */
function badArguments(random: Random, folder: string): readonly string[] {
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)] as T;
  const inFolder = ["--recordings", folder];
  const commands: readonly (readonly string[])[] = [
    ["train", `--${pick(["steps", "learning-rate", "train-size", "port"])}=${pick(NO_NUMBERS)}`],
    ["train", `--${pick(["preset", "task", "dataset", "optimizer", "loss", "sync"])}=${pick(NO_NAMES)}`],
    ["train", `--${pick(["recordings-limit", "segment-size"])}=${pick(NO_NUMBERS)}`],
    ["train", "--config", pick(["/dev/null", "package.json", "README.md", "nothing.json", "."])],
    ["train", "--host", pick(["0.0.0.0", "::"]), ...inFolder],
    ["train", "--tls-cert", "/dev/null", "--tls-key", "/dev/null", ...inFolder],
    ["train", "--recordings", pick(["/dev/null", "/dev/null/x", "package.json"])],
    ["train", "--dataset", pick(["idx:/nowhere", "idx:package.json", "fashion-mnist:/nowhere"]), ...inFolder],
    ["train", "--token-file", pick(["/dev/null", "nothing"]), ...inFolder],
    ["replay", pick(NO_RECORDINGS), ...inFolder],
    ["replay", "x.mcap", `--${pick(["speed", "from-step"])}=${pick(NO_NUMBERS)}`],
    ["info", pick(NO_RECORDINGS), ...inFolder],
    ["import", pick(NO_RECORDINGS), ...inFolder],
    ["verify", pick(NO_RECORDINGS)],
    ["recover", pick(NO_RECORDINGS)],
    ["diff", pick(NO_RECORDINGS), pick(NO_RECORDINGS)],
    ["hessian", pick(NO_RECORDINGS)],
    ["prune", `--${pick(["limit", "keep-days"])}=${pick(NO_NUMBERS)}`, ...inFolder],
    ["share", `--${pick(["expires", "origin", "port", "revoke"])}=${pick(NO_NAMES)}`],
    ["open", `--port=${pick(NO_NUMBERS)}`],
    [pick(["sessions", "prune", "presets", "tasks"]), pick(["--wat", "--json=1x", "-🙂", "too-much"])],
    [pick(["wat", "Train", "__proto__", "🙂", "--wat"])],
    [pick(["info", "replay", "recover", "verify", "import", "hessian", "diff"])],
  ];
  return pick(commands);
}

/** One after another: most within this process, where they take a millisecond, some as what they are. */
export class BadCommands {
  readonly #folder: string;
  readonly #failures: Failures;
  count = 0;
  processes = 0;

  /** @param folder  an empty one: for recordings, and for the cards of servers, of which there are none. */
  constructor(folder: string, failures: Failures) {
    this.#folder = folder;
    this.#failures = failures;
  }

  async give(random: Random, at: string): Promise<void> {
    const isTurn = this.count++ % ONE_PROCESS_IN === 0;
    const args = badArguments(random, this.#folder);
    // No system passes a zero byte on.
    const isProcess = isTurn && !args.includes("\0");
    if (isProcess) this.processes++;
    const env = { XDG_RUNTIME_DIR: this.#folder };
    const { code, err } = isProcess ? await runCli(args, env) : await runHere(args, env);
    const given = `${at}: thalweg ${JSON.stringify(args).slice(0, 200)}`;
    this.#failures.expect(code === 2, () => `${given} ended with ${code}`);
    this.#failures.expect(
      /^(thalweg: .+\n)+$/.test(err) && !/this is a bug|\n\s+at /.test(err),
      () => `${given} said ${err.slice(0, 300)}`,
    );
  }
}

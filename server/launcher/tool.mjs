/** Runs one set-up tool, with a line that shows it is alive and how long it took. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";

/** A tool that did not do its work: a sentence, what it printed, and the exit code to end with. */
export class ToolFailure extends Error {
  constructor(message, output, exitCode) {
    super(message);
    this.output = output;
    this.exitCode = exitCode;
  }
}

/** What is kept of a tool's output, for the case that it fails. */
const OUTPUT_CHARACTERS = 64 * 1024;

/** `failed` makes the sentence for a tool that exits with an error, from its output. */
export function runTool({ doing, done, failed, command, args, cwd, env = process.env, shell = false }) {
  const progress = showProgress(doing, done);
  return new Promise((resolve, reject) => {
    let output = "";
    const keep = (chunk) => {
      output = (output + chunk).slice(-OUTPUT_CHARACTERS);
    };
    const child = spawn(command, args, { cwd, env, shell, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (cause) => {
      progress.stop();
      reject(new ToolFailure(`${command} cannot be started: ${cause.message}.`, output.trim(), 1));
    });
    child.on("close", (code, signal) => {
      if (code === 0) {
        progress.finish();
        resolve();
        return;
      }
      progress.stop();
      const sentence = signal ? `${doing}: ended by ${signal}.` : failed(output);
      reject(new ToolFailure(sentence, output.trim(), code ?? 128 + (constants.signals[signal] ?? 0)));
    });
  });
}

const TICK_MS = 1_000;
const PLAIN_LINE_EVERY_TICKS = 10;

/** On a terminal one line that counts seconds; elsewhere a line at the start, one every ten seconds, and one at the end. */
function showProgress(doing, done) {
  const stream = process.stderr;
  const startedAtMs = performance.now();
  const seconds = (digits) => ((performance.now() - startedAtMs) / 1000).toFixed(digits);
  const redraw = (text) => stream.write(`\r\u001b[2K${text}`);
  const say = (text) => stream.write(`thalweg: ${text}\n`);

  if (stream.isTTY) redraw(`thalweg: ${doing} …`);
  else say(`${doing} …`);
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
    if (stream.isTTY) redraw(`thalweg: ${doing} … ${seconds(0)} s`);
    else if (ticks % PLAIN_LINE_EVERY_TICKS === 0) say(`${doing} … ${seconds(0)} s`);
  }, TICK_MS);

  const stop = () => {
    clearInterval(timer);
    if (stream.isTTY) redraw("");
  };
  const finish = () => {
    stop();
    say(`${done} in ${seconds(1)} s`);
  };
  return { stop, finish };
}

#!/usr/bin/env node
/** The only place that decides how the process exits. */
import { closeSync } from "node:fs";
import { runProgram } from "./commands/program.ts";

// Whoever watched has closed the terminal or the pipe: that ends no run.
let isUnwatched = false;
for (const out of [process.stdout, process.stderr]) {
  out.on("error", () => {
    isUnwatched = true;
  });
}

const code = await runProgram(process.argv.slice(2));
// Node gives terminals their settings back at exit, and aborts where one is gone, but not where it is closed.
if (isUnwatched) for (const standard of [0, 1, 2]) closeSync(standard);
// Worker threads and sockets are closed by now; a library's timer must not keep the terminal.
// Told `undefined`, exit would forget what process.exitCode says.
process.exit(code ?? process.exitCode);

#!/usr/bin/env node
/** The only place that decides how the process exits. */
import { outliveClosedOutput } from "./commands/closed-output.ts";
import { runProgram } from "./commands/program.ts";

const letGoOfOutput = outliveClosedOutput();
const code = await runProgram(process.argv.slice(2));
letGoOfOutput();
// Worker threads and sockets are closed by now; a library's timer must not keep the terminal.
// Told `undefined`, exit would forget what process.exitCode says.
process.exit(code ?? process.exitCode);

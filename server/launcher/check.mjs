#!/usr/bin/env node
/** `npm run check`: format, lint, types, unused code, import law. Runs all of them, then says which failed. */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { bin, prepare, ROOT } from "./prepare.mjs";

await prepare({ build: false });

const checks = [
  {
    name: "format and lint",
    script: bin("@biomejs/biome", "biome"),
    args: ["ci", "--error-on-warnings", "."],
  },
  { name: "types", script: bin("typescript", "tsc"), args: ["-b"] },
  { name: "unused code", script: bin("knip", "knip"), args: [] },
  {
    name: "import law",
    script: bin("vitest", "vitest"),
    args: ["run", "--project", "node", "test/architecture.test.ts"],
  },
];

const failed = checks.filter(({ name, script, args }) => {
  console.log(`thalweg: ${name} …`);
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: ROOT, stdio: "inherit" });
  return status !== 0;
});

if (failed.length > 0) console.error(`thalweg: failed: ${failed.map(({ name }) => name).join(", ")}`);
else console.log("thalweg: all checks passed");
process.exitCode = failed.length > 0 ? 1 : 0;

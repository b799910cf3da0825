import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { spawnServer, stop } from "../support/spawned-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tsx = createRequire(import.meta.url).resolve("tsx/cli");

it("examples/pipeline.ts derives three streams without a server", { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, "examples/pipeline.ts", "4"], {
    cwd: root,
  });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" ").slice(0, 2).join(" "));
  expect(lines.filter((line) => line.endsWith("distance/to-init"))).toHaveLength(5);
  expect(lines.filter((line) => line.endsWith("hessian/eigenvalues"))).toEqual(
    [0, 1, 2, 4].map((t) => `${t} hessian/eigenvalues`),
  );
  expect(lines).toContain("4 path/monotonicity");
});

it("examples/my-run.js trains under the command line", { timeout: 120_000 }, async () => {
  const server = await spawnServer(["train", `${root}/examples/my-run.js`, "--steps", "5", "--no-record"]);
  expect(server.output()).toMatch(/training {3}.*, 5 steps, backend \w+/);
  expect(await stop(server)).toBe(0);
});

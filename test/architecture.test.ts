import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { breaches, importsOf } from "./architecture/law.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDERS = ["shared", "server", "client", "examples", "bench", "test"];

function sources() {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
      .sort()
      .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") })),
  );
}

describe("the architecture", () => {
  it("is what the law says", () => {
    expect(breaches(sources())).toEqual([]);
  });
});

describe("the law", () => {
  const breachesOf = (path: string, text: string) => breaches([{ path, text }]);

  it("names importer and imported", () => {
    expect(breachesOf("server/gateway/x.ts", 'import { y } from "../training/y.ts";')).toEqual([
      "server/gateway/x.ts → server/training/y.ts",
    ]);
  });

  it.each([
    ["a type import", "server/gateway/x.ts", 'import type { Run } from "../training/run.ts";'],
    ["a re-export", "shared/x.ts", 'export * from "../server/numerics/lanczos.ts";'],
    ["a dynamic import", "server/session/x.ts", 'const y = await import("../training/y.ts");'],
    ["a worker's file", "server/gateway/x.ts", 'new Worker(new URL("../training/y.ts", import.meta.url));'],
    [
      "an import over several lines",
      "server/numerics/x.ts",
      'import {\n  a,\n  b,\n} from "../engine/y.ts";',
    ],
    ["the server in the client", "client/data/x.ts", 'import { y } from "../../server/session/y.ts";'],
    ["the client in a worker", "server/threads/x.ts", 'import { y } from "../../client/data/y.ts";'],
    ["Node in the mathematics", "server/streams/x.ts", 'import { readFile } from "node:fs/promises";'],
    [
      "the engine in what checks it",
      "server/verify/x.ts",
      'import { createObjective } from "../engine/compiled-objective.ts";',
    ],
    [
      "a stream in what checks it",
      "server/verify/checks/x.ts",
      'import { y } from "../../streams/index.ts";',
    ],
    ["Lanczos in what checks it", "server/verify/x.ts", 'import { y } from "../numerics/lanczos.ts";'],
    ["tfjs in what checks the engine", "server/verify/x.ts", 'import * as tf from "@tensorflow/tfjs-core";'],
    ["tfjs outside the engine", "server/streams/x.ts", 'import * as tf from "@tensorflow/tfjs-core";'],
    ["a package in shared/", "shared/x.ts", 'import { map } from "rxjs";'],
  ])("refuses %s", (_what, path, text) => {
    expect(breachesOf(path, text)).toHaveLength(1);
  });

  it.each([
    ["neighbours", "server/gateway/x.ts", 'import { y } from "./deeper/y.ts";'],
    ["shared/", "client/panels/x.ts", 'import type { Sample } from "../../shared/stream.ts";'],
    ["a subpath of an allowed package", "shared/x.ts", 'import * as z from "zod/mini";'],
    [
      "a single file of a part",
      "server/verify/x.ts",
      'import { createRandom } from "../numerics/random.ts";',
    ],
    ["what a comment only mentions", "shared/x.ts", '/** Not `import { y } from "../server/y.ts"`. */'],
  ])("allows %s", (_what, path, text) => {
    expect(breachesOf(path, text)).toEqual([]);
  });

  it("wants a part of the system for every file", () => {
    expect(breachesOf("server/new-folder/x.ts", "")).toHaveLength(1);
  });

  it.each([
    ["an exit outside the cli", "server/commands/x.ts", "process.exit(1);"],
    ["an unbounded operator", "server/streams/x.ts", 'import { concatMap, map } from "rxjs";'],
    ["an unbounded subject", "server/threads/x.ts", "const a = new ReplaySubject<Step>();"],
    ["an unbounded replay", "server/training/x.ts", "steps$.pipe(shareReplay());"],
    ["a default export", "server/engine/x.ts", "export default function loss() {}"],
    ["a file that is too long", "server/engine/x.ts", "\n".repeat(300).concat("const a = 1;")],
    ["a name that says nothing", "server/engine/tensor-utils.ts", ""],
    ["a folder that says nothing", "client/data/helpers/x.ts", ""],
  ])("refuses %s", (_what, path, text) => {
    expect(breachesOf(path, text)).toHaveLength(1);
  });

  it("allows a replay that has a bound", () => {
    expect(
      breachesOf("server/training/x.ts", "a$.pipe(shareReplay({ bufferSize: 1, refCount: true }));"),
    ).toEqual([]);
  });

  it("sees imports beside other code", () => {
    expect(
      importsOf('const from = "x"; import "./a.ts"; import b, { c } from "./b.ts"; export { d } from "e";'),
    ).toEqual(["./b.ts", "e", "./a.ts"]);
  });
});

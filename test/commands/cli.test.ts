import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runHere } from "../support/run-here.ts";
import { runCli, spawnServer, stop, TOKEN } from "../support/spawned-server.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const OTHER = fileURLToPath(new URL("../recording/fixtures/v1-finished.mcap", import.meta.url));
const RINGS = fileURLToPath(new URL("../../examples/rings.csv", import.meta.url));
const SMALL = ["--train-size", "100", "--hidden", "4", "--probe-size", "50"];

describe("the command line", { timeout: 120_000 }, () => {
  it.each([
    [["train", "--stpes", "5"], "thalweg: unknown option '--stpes'\nthalweg: (Did you mean --steps?)\n"],
    [["train", "--steps", "many"], /^thalweg: steps: expected a whole number > 0.*, got "many"\n$/],
    [["train", "--optimizer", "adamw"], /^thalweg: optimizer: expected one of gd, .*, got "adamw"\n$/],
    [["train", "--port", "99999"], "thalweg: port: expected a whole number from 0 to 65535, got 99999\n"],
    [
      ["train", "--config", "/nowhere.json"],
      /^thalweg: config: \/nowhere\.json cannot be read \(ENOENT\)\n$/,
    ],
    [["train", "--without", "densty"], /^thalweg: without: .*, got "densty"; did you mean density\?\n$/],
    [["train", "--dataset", "idx:/nowhere"], /^thalweg: .*\/nowhere.*found none \(ENOENT\)\n$/],
    [
      ["train", "--dataset", "csv:/nowhere.csv"],
      "thalweg: nowhere.csv: expected a CSV file at /nowhere.csv, found none (ENOENT)\n",
    ],
    [
      ["train", "--model", "/nowhere.json", "--dataset", "mnist"],
      "thalweg: /nowhere.json: expected a model.json, found no file\n",
    ],
    [
      ["train", "--task", "fashion-mlp", "--dataset", "fashion-mnist:/nowhere"],
      /^thalweg: .*zalandoresearch.*\n$/,
    ],
    [["train", "/nowhere/run.js"], /^thalweg: .*run\.js.*\n$/],
    [
      ["train", RINGS],
      `thalweg: ${RINGS}: expected a JavaScript module, found a .csv file, which --dataset csv:<file> takes\n`,
    ],
    [["train", "--config", RINGS], /^thalweg: config: .*rings\.csv is not a JSON object \(.*\)\n$/],
    [
      ["train", "--model", RINGS, "--dataset", "mnist"],
      /^thalweg: rings\.csv: expected JSON, found none \(.*\)\n$/,
    ],
    [["train", "--backend", "tpu"], /^thalweg: backend: expected one of .*, got "tpu"\n$/],
    [
      ["train", "--host", "0.0.0.0"],
      /^thalweg: host: expected --tls-cert and --tls-key with 0\.0\.0\.0, which other machines can reach, or --insecure .*\n$/,
    ],
    [
      ["train", "--task", "two-spirals", "--every", "hessain=3"],
      /^thalweg: every: expected one of .*, hessian, .*, got "hessain"; did you mean hessian\?\n$/,
    ],
    [
      ["train", "--task", "two-spirals", "--every", "train/loss=3"],
      /^thalweg: every: expected one of .*, got "train\/loss"/,
    ],
    [["train", "--tls-cert", "c.pem"], "thalweg: tls: expected --tls-key beside --tls-cert\n"],
    [
      ["train", "--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"],
      "thalweg: tls-cert: /nowhere.pem cannot be read (ENOENT)\n",
    ],
    [
      ["train", "--recordings-limit", "much"],
      /^thalweg: recordings-limit: expected a size like 10GiB, got "much"\n$/,
    ],
    [["replay", "/nowhere.mcap"], /^thalweg: \/nowhere\.mcap: .*\n$/],
    [["open", "--port", "many"], 'thalweg: port: expected a whole number from 0 to 65535, got "many"\n'],
    ...["", " ", "0x0", "Infinity"].map((days): [string[], string] => [
      ["prune", "--recordings", "/nowhere", "--keep-days", days],
      `thalweg: keep-days: expected a number ≥ 0, got ${JSON.stringify(days)}\n`,
    ]),
    [["replay", "/nowhere.mcap", "--from-step", ""], 'thalweg: from-step: expected a number ≥ 0, got ""\n'],
    [["replay"], /^thalweg: missing required argument 'recording'\n$/],
    [["wacth"], /^thalweg: unknown command 'wacth'/],
  ])("answers %j with one clear line and exit code 2", async (args, expected) => {
    const { code, out, err } = await runHere([
      ...args,
      ...(args[0] === "train" ? ["--recordings", join(folder, "none")] : []),
    ]);
    expect(err).toMatch(expected instanceof RegExp ? expected : new RegExp(`^${escaped(expected)}$`));
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(await readdir(folder), "nothing is written").not.toContain("none");
  });

  it.each([
    [["--recordings", "/dev/null"], "thalweg: /dev/null: expected a folder, got a file\n"],
    [["--recordings", "/dev/null/below"], "thalweg: /dev/null: expected a folder, got a file\n"],
    [["--dataset", "idx:/nowhere"], /^thalweg: .*\/nowhere.*found none \(ENOENT\)\n$/],
    [["--preset", "fashion", "--dataset", "fashion-mnist:/nowhere"], /^thalweg: .*zalandoresearch.*\n$/],
  ])("finds %j wrong before anything is begun", async (args, expected) => {
    // Listening, which comes before the first thread, would be refused too.
    const { code, err } = await runHere([
      "train",
      "--host",
      "0.0.0.0",
      ...["--recordings", join(folder, "none")],
      ...args,
    ]);
    expect(err).toMatch(expected instanceof RegExp ? expected : new RegExp(`^${escaped(expected)}$`));
    expect(code).toBe(2);
    expect(await readdir(folder)).not.toContain("none");
  });

  it("refuses a token that is too short or too long, without saying it", async () => {
    const file = join(folder, "token");
    for (const length of [15, 513]) {
      await writeFile(file, "t".repeat(length));
      const { code, err } = await runHere(["train", "--token-file", file, "--port", "0"]);
      expect(err).toBe(
        `thalweg: token-file ${file}: expected 16 to 512 characters of A–Z a–z 0–9 . _ ~ -, got ${length} characters\n`,
      );
      expect(code).toBe(2);
    }
  });

  it("is a process that says and ends with the same", async () => {
    for (const args of [["wacth"], ["train", "--steps", "many"], ["presets"]])
      expect(await runCli(args)).toEqual(await runHere(args));
  });

  it("reads a config file, lets flags go over it, and names the nearest key of one that is unknown", async () => {
    const good = join(folder, "run.json");
    await writeFile(good, JSON.stringify({ preset: "edge", steps: 4, learningRate: 0.1, record: false }));
    const server = await spawnServer(["train", "--config", good, "--learning-rate", "0.05", ...SMALL]);
    expect(server.output(), "what takes seconds is told at once").toMatch(/^starting .*…\ntraining /);
    const header = await getSession(server.url);
    expect(header.config).toMatchObject({ steps: 4, learningRate: 0.05 });
    for (const key of ["dataset", "model"]) {
      const answer = await fetch(`${server.url}/v1/sessions`, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({ [key]: "csv:/etc/passwd", replace: true }),
      });
      expect(
        { status: answer.status, ...((await answer.json()) as object) },
        "files stay with the terminal",
      ).toEqual({
        status: 400,
        error: { code: "settings", message: `${key}: expected a built-in one over the network, got a file` },
      });
    }
    expect(await stop(server)).toBe(0);

    const bad = join(folder, "bad.json");
    await writeFile(bad, JSON.stringify({ learningrate: 0.1, prot: 3 }));
    const { code, err } = await runHere(["train", "--config", bad]);
    expect(code).toBe(2);
    expect(err).toBe(
      "thalweg: learningrate: unknown setting; did you mean learningRate?\nthalweg: prot: unknown setting; did you mean port?\n",
    );
  });

  it("refuses a port that is taken, when it was asked for by number", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const { code, err } = await runHere([
      "train",
      "--port",
      String(port),
      "--recordings",
      join(folder, "none"),
    ]);
    taken.close();
    expect(code).toBe(2);
    expect(err).toMatch(new RegExp(`^thalweg: .*${port}.*\\n$`));
  });

  it("records, finishes the recording on Ctrl-C, replays it, and finds two equal runs equal", async () => {
    const recordings = join(folder, "recordings");
    const run = async (): Promise<string> => {
      const before = new Set(await readdir(recordings).catch(() => []));
      const server = await spawnServer([
        "train",
        "--steps",
        "12",
        // Without them, intervals follow from what this machine measures at the start.
        ...["hessian=4", "path=2", "line=6", "eval=6", "weights=1"].flatMap((every) => ["--every", every]),
        "--seed",
        "3",
        "--recordings",
        recordings,
        ...SMALL,
      ]);
      await ended(server.url);
      expect(await stop(server)).toBe(0);
      const added = (await readdir(recordings)).find((name) => !before.has(name));
      return join(recordings, added ?? "no file");
    };
    const [a, b] = [await run(), await run()];
    const equal = await runHere(["diff", a, b]);
    expect(equal.out).toMatch(/^equal: \d+ samples on \d+ channels/m);
    expect(equal.code).toBe(0);
    const different = ["diff", a, OTHER];
    const answer = await runCli(different);
    expect(answer.code).toBe(1);
    expect(answer).toEqual(await runHere(different));
    const replayed = await spawnServer(["replay", a]);
    expect((await getSession(replayed.url)).config).toMatchObject({ steps: 12 });
    expect(await stop(replayed)).toBe(0);
  });

  it("goes on when nobody reads what it says any more, and finishes the recording", async () => {
    const recordings = join(folder, "unread");
    const server = await spawnServer(["train", "--steps", "100000", "--recordings", recordings, ...SMALL]);
    server.child.stdout?.destroy();
    server.child.stderr?.destroy();
    expect(await stop(server)).toBe(0);
    const { out } = await runHere(["sessions", "--recordings", recordings, "--json"]);
    expect(JSON.parse(out)).toMatchObject({ sessions: [{ reason: "stopped" }], unreadable: [] });
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

async function get(url: string): Promise<never> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(answer.status).toBe(200);
  return (await answer.json()) as never;
}

async function getSession(url: string): Promise<{ config: unknown }> {
  const { sessions } = (await get(`${url}/v1/sessions`)) as { sessions: { id: string }[] };
  const { header } = (await get(`${url}/v1/sessions/${sessions[0]?.id}`)) as { header: { config: unknown } };
  return header;
}

/** Resolves when the first session has ended. */
async function ended(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { sessions } = (await get(`${url}/v1/sessions`)) as { sessions: { state: string }[] };
    if (sessions[0]?.state === "ended") return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the session does not end");
}

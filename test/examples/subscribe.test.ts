import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemorySession } from "../support/memory-session.ts";
import { descriptor, sessionHeader } from "../support/session-header.ts";
import { type TestGateway, TOKEN, testGateway } from "../support/test-gateway.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const TSX = join(ROOT, "node_modules", "tsx", "dist", "cli.mjs");
const PYTHON = process.env["PYTHON"] ?? "python3";
const hasPython = spawnSync(PYTHON, ["-c", "import websockets.asyncio.client"]).status === 0;

const typescript = {
  name: "subscribe.ts",
  command: process.execPath,
  args: [TSX, "examples/subscribe.ts"],
  canRun: true,
};
const library = {
  name: "connect.ts",
  command: process.execPath,
  args: [TSX, "examples/connect.ts"],
  canRun: true,
};
const python = {
  name: "subscribe.py",
  command: PYTHON,
  args: ["examples/subscribe.py"],
  canRun: hasPython,
};
const programs = [library, typescript, python];

let session: MemorySession;
let gateway: TestGateway;

beforeEach(async () => {
  session = new MemorySession(
    sessionHeader({ channels: [descriptor("train/loss"), descriptor("hessian/eigenvalues")] }),
  );
  gateway = await testGateway([session]);
});

afterEach(() => gateway.close());

function measure(step: number) {
  const value = { top: [{ value: 8 + step / 10 }], threshold: 10 };
  session.append({ channel: "train/loss", step, value: 1 }, { channel: "hessian/eigenvalues", step, value });
}

const line = (step: number) => `step ${step}: λ₁ ${8 + step / 10}, threshold 10`;

function run({ command, args }: (typeof programs)[number], token: string) {
  const env = { ...process.env, THALWEG_TOKEN: token, PYTHONIOENCODING: "utf8" };
  const program = spawn(command, [...args, gateway.url.replace("http", "ws")], { cwd: ROOT, env });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  const said = text(program.stderr);
  const exit = once(program, "close").then(([code]) => code as number);
  return { next, exit, said };
}

describe.each(programs)("examples/$name", (program) => {
  it("is at most 40 lines", () => {
    const text = readFileSync(join(ROOT, "examples", program.name), "utf8");
    expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
  });

  const title = program.canRun
    ? "prints what was measured, then what is, and leaves when the run has ended"
    : `is not run: ${PYTHON} here has no package "websockets"`;
  it.skipIf(!program.canRun)(title, async () => {
    measure(1);
    measure(3);
    const { next, exit } = run(program, TOKEN);
    expect([await next(), await next()]).toEqual([line(1), line(3)]);
    measure(7);
    expect(await next()).toBe(line(7));
    session.end("finished");
    expect(await exit).toBe(0);
  });

  it.skipIf(!program.canRun)("leaves with an error when it is not let in", async () => {
    const { exit } = run(program, "wrong-token-0123456789");
    expect(await exit).toBe(1);
  });
});

it.skipIf(!hasPython)("examples/subscribe.py says in one sentence that it has no token", async () => {
  const { exit, said } = run(python, "");
  expect(await said).toBe("THALWEG_TOKEN: expected the server's token, found none\n");
  expect(await exit).toBe(1);
});

it.each([library, typescript])(
  "examples/$name, cut off, goes on after the last sample it has seen",
  async (program) => {
    measure(1);
    const { next, exit } = run(program, TOKEN);
    expect(await next()).toBe(line(1));
    const { port } = gateway;
    await gateway.close();
    measure(2);
    gateway = await testGateway([session], { port, strictPort: true });
    expect(await next()).toBe(line(2));
    session.end("finished");
    expect(await exit).toBe(0);
  },
);

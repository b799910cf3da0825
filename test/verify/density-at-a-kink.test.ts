/** An example at the origin and biases of zero: every relu of it stands on its kink, and float32 may take either derivative. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createRandom } from "../../server/numerics/random.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import { Evidence } from "../../server/verify/evidence.ts";
import { Objective64 } from "../../server/verify/objective.ts";
import { verifyRecording } from "../../server/verify/verify.ts";
import { type Readout, readRecording, writeRecording } from "../support/rewritten-recording.ts";

let folder: string;
let path: string;
let recording: Readout;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-kink-"));
  const random = createRandom(3).stream("points");
  const rows = Array.from({ length: 29 }, () => [random.normal(), random.normal()] as const);
  const lines = [[0, 0] as const, ...rows].map(([x, y], i) => `${x},${y},${i % 2 === 0 ? "a" : "b"}`);
  const file = join(folder, "points.csv");
  await writeFile(file, ["x,y,class", ...lines].join("\n"));
  const resolved = resolveSettings({
    task: "mlp",
    dataset: `csv:${file}`,
    center: "none",
    trainSize: 30,
    probeSize: 30,
    hidden: [5],
    activation: "relu",
    optimizer: "gd",
    steps: 2,
    backend: "wasm",
    every: { hessian: 10, path: 1, line: 10, eval: 10, density: 10 },
  });
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const session = await startLiveSession({ config: resolved.config, folder, record: true });
  await session.ended;
  await session.close();
  path = session.recordingPath as string;
  recording = await readRecording(path);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the trace of the first density changes by when all those relus are on, by the same random signs. */
async function traceAcross(): Promise<number> {
  const session = await openRecording(path);
  try {
    const evidence = await Evidence.of(session);
    const { network, data, header } = evidence;
    const theta = await evidence.theta(0);
    const [own, across] = [0, -1].map((side) => new Objective64(network, data.probe(), theta, side));
    expect(own?.slope().kinks).toBe(5);
    const signs = createRandom(evidence.config.seeds.vectors).stream("hessian/density").stream(0);
    const traces = Array.from({ length: 4 }, () => {
      const u = Float64Array.from(signs.fillSigns(new Float32Array(header.parameterCount)));
      const along = (of: Objective64 | undefined) =>
        of?.apply(u).reduce((sum, each, i) => sum + each * (u[i] as number), 0) ?? Number.NaN;
      return along(across) - along(own);
    });
    return traces.reduce((sum, each) => sum + each, 0) / traces.length;
  } finally {
    await session.close();
  }
}

async function verdictWith(traceMore: number) {
  const entries = recording.entries.map((entry) =>
    entry.channel === "hessian/density" && entry.step === 0
      ? { ...entry, value: { ...(entry.value as object), trace: traceOf(entry.value) + traceMore } }
      : entry,
  );
  const copy = join(folder, `${traceMore}.mcap`);
  await writeRecording(copy, { ...recording, entries });
  const { streams } = await verifyRecording(copy, { streams: ["hessian/density"] });
  return streams.find(({ stream }) => stream === "hessian/density")?.verdict;
}

const traceOf = (value: unknown) => (value as { readonly trace: number }).trace;

it("a trace may be that of either side of a kink, and no other", async () => {
  const across = await traceAcross();
  expect(Math.abs(across)).toBeGreaterThan(1e-3);
  expect(await verdictWith(0)).toBe("agrees");
  expect(await verdictWith(across)).toBe("agrees");
  expect(await verdictWith(2 * across)).toBe("differs");
  expect(await verdictWith(-2 * across)).toBe("differs");
});

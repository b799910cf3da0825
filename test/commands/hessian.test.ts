/** `thalweg hessian` on a run of one's own, which the module is given for again. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planRun } from "../../server/commands/plan-run.ts";
import { encodeNpy } from "../../server/gateway/npy.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import { readRecording, writeRecording } from "../support/rewritten-recording.ts";
import { runHere } from "../support/run-here.ts";

const MODULE = fileURLToPath(new URL("../../examples/my-run.js", import.meta.url));
const OTHER = fileURLToPath(new URL("../../examples/streamed-run.js", import.meta.url));
const LOSS_OF_ONES_OWN = fileURLToPath(new URL("../training/fixtures/own-parts.js", import.meta.url));

let folder: string;
let own: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-hessian-"));
  own = await recorded(MODULE);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function recorded(module: string): Promise<string> {
  const settings = { steps: 4, weightsEvery: 2, every: { hessian: 2, density: 100 } };
  const planned = await planRun(settings, module, () => Promise.reject(new Error("no fork")));
  const session = await startLiveSession({ ...planned, folder, record: true });
  await session.ended;
  await session.close();
  return session.recordingPath as string;
}

async function spectrum(...args: string[]) {
  const { out, err, code } = await runHere(["hessian", ...args, "--json"]);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  return JSON.parse(out);
}

describe("thalweg hessian on a run of one's own", { timeout: 120_000 }, () => {
  it("takes network, data and loss from the module, and has what float64 has", async () => {
    const { top, bottom, exact, step, parameterCount, loss } = await spectrum(
      own,
      ...["--module", MODULE, "--step", "2", "--exact"],
    );
    expect({ step, parameterCount, count: exact.length }).toEqual({
      step: 2,
      parameterCount: 354,
      count: 354,
    });
    for (const [i, { value, residual }] of top.entries())
      expect(Math.abs(value - exact[i])).toBeLessThan(residual + 1e-6 * exact[0]);
    expect(Math.abs(bottom[0].value - exact[353])).toBeLessThan(bottom[0].residual + 1e-6 * exact[0]);

    // The same recording by the beginning of its id, and the same θ out of a file.
    const session = await openRecording(own);
    const named = [session.header.id.slice(0, 8), "--recordings", folder];
    expect(await spectrum(...named, "--module", MODULE, "--step", "2")).toMatchObject({
      source: own,
      step: 2,
      top,
    });
    const found = await session.weights(2);
    await session.close();
    if (!found.found) throw new Error("θ of step 2 is recorded");
    const npy = join(folder, "theta.npy");
    await writeFile(npy, encodeNpy(found.theta));
    expect(await spectrum(npy, "--module", MODULE)).toMatchObject({ loss, top });
  });

  it("finds the recording by its id, in the folder that is named, and says so where it has none", async () => {
    const { id } = (await readRecording(own)).header;
    const found = await spectrum(id.slice(0, 8), "--recordings", folder, "--module", MODULE, "--top", "1");
    expect(found).toMatchObject({ source: own, step: 4 });
    const { err, code } = await runHere(["hessian", "zzzz", "--recordings", folder]);
    expect(err).toBe(
      `thalweg: hessian: expected a file, or the id of one recording, got "zzzz", which none in ${folder} has\n`,
    );
    expect(code).toBe(2);
  });

  it("refuses weights of another network, and says how many this one has", async () => {
    for (const length of [353, 355, 5000]) {
      const npy = join(folder, `${length}.npy`);
      await writeFile(npy, encodeNpy(new Float32Array(length)));
      const { err, code } = await runHere(["hessian", npy, "--module", MODULE]);
      expect({ err, code }).toEqual({
        err: `thalweg: ${npy}: expected 354 weights, found ${length}\n`,
        code: 2,
      });
    }
  });

  it("takes a loss that is the module's own function", async () => {
    const { loss, top } = await spectrum(await recorded(LOSS_OF_ONES_OWN), "--module", LOSS_OF_ONES_OWN);
    expect(loss).toBeGreaterThan(0);
    expect(top[0].converged).toBe(true);
  });

  it("refuses, in one sentence, what is not the run that was recorded", async () => {
    const { header, entries } = await readRecording(own);
    const other = join(folder, "other-data.mcap");
    const probe = { ...header.probe, sha256: "0".repeat(64) };
    await writeRecording(other, { header: { ...header, probe }, entries });
    const mistakes = [
      [
        [own],
        `${own}: expected --module with the module that was trained, because its data (own:my-run.js) are in no recording`,
      ],
      [
        [own, "--module", OTHER],
        /^.*streamed-run\.js: expected parameters of the shapes .* as recorded, got /,
      ],
      [
        [other, "--module", MODULE],
        /my-run\.js: expected data of own:my-run\.js with sha256 "0+… as recorded, got "/,
      ],
      [[own, "--module", MODULE, "--preset", "edge"], /^hessian: expected no --preset with a recording/],
    ] as const;
    for (const [args, sentence] of mistakes) {
      const { code, out, err } = await runHere(["hessian", ...args]);
      expect(err).toMatch(/^thalweg: [^\n]*\n$/);
      const said = err.slice("thalweg: ".length, -1);
      if (typeof sentence === "string") expect(said).toBe(sentence);
      else expect(said).toMatch(sentence);
      expect({ code, out }).toEqual({ code: 2, out: "" });
    }
  });
});

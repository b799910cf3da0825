/** tfjs-node where it is installed (test/tfjs-node/lane.mjs): one thread of a process has it, and wasm works beside it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startLiveSession } from "../../server/threads/start-live-session.ts";
import { resolveSettings } from "../../server/training/resolve.ts";
import { verifyRecording } from "../../server/verify/verify.ts";
import { hasTfjsNode } from "../engine/every-backend.ts";

/** Two runs and what verifies them: 20 seconds on an idle machine, more on a shared one. */
const TIMEOUT_MS = 120_000;

// Twice in one process: each run has threads of its own, and the second must not find the library in the way.
test.runIf(hasTfjsNode)(
  "training is on tfjs-node, curvature on wasm, and what they measure can be verified",
  { timeout: TIMEOUT_MS },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "thalweg-tfjs-node-"));
    const resolved = resolveSettings({
      preset: "edge",
      trainSize: 200,
      hidden: [16],
      steps: 30,
      weightsEvery: 1,
      every: { hessian: 10, line: 30, eval: 30, density: 1000, "per-layer": 1000, "gauss-newton": 1000 },
      backend: "tfjs-node",
    });
    if (!resolved.ok) throw new Error(resolved.problems.join());
    try {
      for (let run = 0; run < 2; run++) {
        const session = await startLiveSession({
          config: resolved.config,
          folder,
          record: true,
          onTrouble: (sentence) => {
            throw new Error(sentence);
          },
        });
        expect(session.header.backend).toBe("tfjs-node (curvature: wasm)");
        expect(await session.ended).toBe("finished");
        await session.close();
        const path = session.recordingPath as string;
        const report = await verifyRecording(path, { samples: 5 });
        expect(report.streams.flatMap(({ faults }) => faults)).toEqual([]);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

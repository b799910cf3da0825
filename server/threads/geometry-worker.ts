/** The thread that sees every θ: distances, the zig-zag, the path; and packs the weights that are logged. */
import { openBackend } from "../backends/select.ts";
import { WeightEncoder } from "../recording/weight-codec.ts";
import { openRun } from "../training/open-run.ts";
import { importOwn } from "../training/own-module.ts";
import type { Run } from "../training/run.ts";
import { geometryCosts } from "./geometry-costs.ts";
import { measure } from "./measuring.ts";
import type { MeasuringRequest } from "./messages.ts";
import { modeTaker } from "./mode-line.ts";
import { post, serveThread, stepBehindTraining } from "./thread.ts";

let run: Run | null = null;

stepBehindTraining();

serveThread<MeasuringRequest>(async (request) => {
  if (request.kind === "open") {
    // No derivative is taken here: any backend will do, and this one needs no memory of its own.
    const backend = await openBackend("cpu", { allowNative: false });
    run = openRun(request.blueprint, backend, await importOwn(request.blueprint.module));
    post({ kind: "opened", backend: run.backend });
    return;
  }
  if (run === null) throw new Error("geometry thread: nothing is open");
  if (request.kind === "time") return post({ kind: "timed", costsMs: { ...geometryCosts(run) } });
  const encoder = new WeightEncoder(run.initial.length);
  measure("geometry", run, modeTaker(request.modes, !request.plan.bestEffort), request, (theta) =>
    encoder.encode(theta),
  );
});

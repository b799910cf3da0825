/** The thread that measures the probe objective at due steps, on a θ that holds still while training goes on. */
import { openBackend } from "../backends/select.ts";
import { KrylovBasis } from "../numerics/krylov-basis.ts";
import { openRun } from "../training/open-run.ts";
import { importOwn } from "../training/own-module.ts";
import type { Run } from "../training/run.ts";
import { measure } from "./measuring.ts";
import type { MeasuringRequest } from "./messages.ts";
import { modePublisher } from "./mode-line.ts";
import { gate, post, serveThread, stepBehindTraining } from "./thread.ts";
import { TrialWork } from "./trial.ts";

let run: Run | null = null;

stepBehindTraining();

serveThread<MeasuringRequest>(async (request) => {
  if (request.kind === "open") {
    const { config } = request.blueprint;
    // One thread of a process may load tfjs-node, and that is the one that trains.
    const choice = config.backend === "tfjs-node" ? "wasm" : config.backend;
    const backend = await openBackend(choice, { allowNative: false, gate });
    const opened = openRun(request.blueprint, backend, await importOwn(request.blueprint.module));
    run = opened;
    post({
      kind: "opened",
      backend: opened.backend,
    });
    return;
  }
  if (run === null) throw new Error("curvature thread: nothing is open");
  if (request.kind === "time")
    return post({ kind: "timed", costsMs: costsOf(run, new TrialWork(request.turns)) });
  measure("curvature", run, modePublisher(request.modes), request);
});

/** What a measurement is made of, timed at θ₀ until the trial is over, so that it is as warm as in the run. */
function costsOf(
  { objective, testObjective, initial, config, trainSize, batchObjective }: Run,
  trial: TrialWork,
): Record<string, number> {
  const direction = initial.slice();
  const linearised = objective.linearise(initial);
  const product = () => linearised.hessianVectorProduct(direction);
  const batchSize = config.batchSize === "full" ? trainSize : Math.min(config.batchSize, trainSize);
  const costs = {
    linearise: trial.medianMs(2, () => objective.linearise(initial).dispose()),
    project: projectMs(initial.length, trial),
    probeLoss: trial.medianMs(2, () => objective.loss(initial)),
    testLoss: testObjective === null ? 0 : trial.medianMs(2, () => testObjective.loss(initial)),
    batch:
      config.batchSize === "full"
        ? 0
        : trial.medianMs(2, () => {
            const batch = batchObjective(Uint32Array.from({ length: batchSize }, (_, i) => i));
            const at = batch.linearise(initial);
            at.hessianVectorProduct(direction);
            at.dispose();
            batch.dispose();
          }),
  };
  const hvp = trial.medianMsThroughout(3, product);
  linearised.dispose();
  return { ...costs, hvp };
}

/** Of one pass against a few vectors, the share of one. */
function projectMs(size: number, trial: TrialWork): number {
  const basis = new KrylovBasis(size, 4);
  const coefficients = new Float64Array(4);
  while (basis.length < 4) basis.append(1);
  return trial.medianMs(2, () => basis.projectOut(coefficients)) / basis.length;
}

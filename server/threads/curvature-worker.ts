/** The thread that measures the probe objective at due steps, on a θ that holds still while training goes on. */
import { openBackend } from "../backends/select.ts";
import { KrylovBasis } from "../numerics/krylov-basis.ts";
import { openRun } from "../training/open-run.ts";
import type { Run } from "../training/run.ts";
import { measure } from "./measuring.ts";
import type { MeasuringRequest } from "./messages.ts";
import { modePublisher } from "./mode-line.ts";
import { fastestMs, gate, post, serveThread, stepBehindTraining } from "./thread.ts";

let run: Run | null = null;

stepBehindTraining();

serveThread<MeasuringRequest>(async (request) => {
  if (request.kind === "open") {
    const { config } = request.blueprint;
    // One thread of a process may load tfjs-node, and that is the one that trains.
    const choice = config.backend === "tfjs-node" ? "wasm" : config.backend;
    const backend = await openBackend(choice, { allowNative: false, gate });
    const opened = openRun(request.blueprint, backend);
    run = opened;
    post({
      kind: "opened",
      backend: opened.backend,
    });
    return;
  }
  if (run === null) throw new Error("curvature thread: nothing is open");
  if (request.kind === "time") return post({ kind: "timed", costsMs: costsOf(run, request.forMs) });
  measure("curvature", run, modePublisher(request.modes), request);
});

/** What a measurement is made of, timed at θ₀ for about this long, so that it is as warm as in the run. */
function costsOf(
  { objective, testObjective, initial, config, trainSize, batchObjective }: Run,
  forMs: number,
): Record<string, number> {
  const beganMs = performance.now();
  const direction = initial.slice();
  const linearised = objective.linearise(initial);
  const product = () => linearised.hessianVectorProduct(direction);
  const batchSize = config.batchSize === "full" ? trainSize : Math.min(config.batchSize, trainSize);
  const costs = {
    linearise: fastestMs(2, () => objective.linearise(initial).dispose()),
    project: projectMs(initial.length),
    probeLoss: fastestMs(2, () => objective.loss(initial)),
    testLoss: testObjective === null ? 0 : fastestMs(2, () => testObjective.loss(initial)),
    batch:
      config.batchSize === "full"
        ? 0
        : fastestMs(2, () => {
            const batch = batchObjective(Uint32Array.from({ length: batchSize }, (_, i) => i));
            const at = batch.linearise(initial);
            at.hessianVectorProduct(direction);
            at.dispose();
            batch.dispose();
          }),
  };
  let hvp = fastestMs(3, product);
  while (performance.now() - beganMs < forMs) hvp = Math.min(hvp, fastestMs(1, product));
  linearised.dispose();
  return { ...costs, hvp };
}

/** Of one pass against a few vectors, the share of one. */
function projectMs(size: number): number {
  const basis = new KrylovBasis(size, 4);
  const coefficients = new Float64Array(4);
  while (basis.length < 4) basis.append(1);
  return fastestMs(2, () => basis.projectOut(coefficients)) / basis.length;
}

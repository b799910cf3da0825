/** The thread that measures the probe objective at due steps, on a θ that holds still while training goes on. */
import { openBackend } from "../backends/select.ts";
import { openRun } from "../training/open-run.ts";
import type { Run } from "../training/run.ts";
import { measure } from "./measuring.ts";
import type { MeasuringRequest } from "./messages.ts";
import { modePublisher } from "./mode-line.ts";
import { fastestMs, gate, post, serveThread } from "./thread.ts";

let run: Run | null = null;

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
      costsMs: costsOf(opened),
    });
    return;
  }
  if (run === null) throw new Error("curvature thread: nothing is open");
  measure("curvature", run, modePublisher(request.modes), request);
});

/** What a measurement is made of, timed at θ₀. */
function costsOf({
  objective,
  testObjective,
  initial,
  config,
  trainSize,
  batchObjective,
}: Run): Record<string, number> {
  const direction = initial.slice();
  const linearised = objective.linearise(initial);
  const hvp = fastestMs(3, () => linearised.hessianVectorProduct(direction));
  linearised.dispose();
  const batchSize = config.batchSize === "full" ? trainSize : Math.min(config.batchSize, trainSize);
  return {
    linearise: fastestMs(2, () => objective.linearise(initial).dispose()),
    hvp,
    probeLoss: fastestMs(2, () => objective.loss(initial)),
    testLoss: testObjective === null ? 0 : fastestMs(1, () => testObjective.loss(initial)),
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
}

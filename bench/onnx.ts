/** The same objective on wasm and on onnxruntime, in turn. */
import { openBackend } from "../server/backends/select.ts";
import type { Backend } from "../server/engine/backend.ts";
import { extremalEigenpairs } from "../server/numerics/lanczos.ts";
import { createRandom } from "../server/numerics/random.ts";
import { createBlueprint } from "../server/training/blueprint.ts";
import { openRun } from "../server/training/open-run.ts";
import { resolveSettings } from "../server/training/resolve.ts";
import type { Blueprint } from "../server/training/run.ts";
import { type Case, interleaved, type Measurement, ratioOf, timed } from "./harness.ts";

const SIZES = [128, 512, 2000];
const EIGEN_SIZE = 512;
const TOP_FIVE = "top 5 to residual 1e-3·λ₁, cold";
const ROUNDS = 5;

export async function onnx(): Promise<Measurement[]> {
  const backends = {
    wasm: await openBackend("wasm", { allowNative: false }),
    onnx: await openBackend("onnx", { allowNative: false }),
  };
  const measurements: Measurement[] = [];
  for (const activation of ["tanh", "relu"] as const) {
    for (const size of SIZES) {
      const resolved = resolveSettings({ preset: "fc-199k", activation, trainSize: 4000, probeSize: size });
      if (!resolved.ok) throw new Error(resolved.problems.join("; "));
      const blueprint = await createBlueprint(resolved.config);
      const [wasm, native] = [
        casesOn(backends.wasm, blueprint, size),
        casesOn(backends.onnx, blueprint, size),
      ];
      const values = await interleaved([...wasm.cases, ...native.cases], ROUNDS);
      for (const what of wasm.names) {
        const name = (backend: string) => `${what}, ${backend}`;
        const value = ratioOf(values, name("wasm"), name("onnx"));
        const rounds = (backend: string) => values.get(name(backend)) ?? [];
        const label = (backend: string) => `${activation}, B = ${size}: ${name(backend)}`;
        measurements.push(
          { name: label("onnx"), unit: "ms", rounds: rounds("onnx") },
          {
            name: label("wasm"),
            unit: "ms",
            rounds: rounds("wasm"),
            // Of eigenvalues, a good part is Lanczos's own work, the same on both.
            ratio: { to: "onnx", value, target: size < 512 || what === TOP_FIVE ? "" : "≥ 3.5" },
          },
        );
      }
      wasm.close();
      native.close();
    }
  }
  return measurements;
}

function casesOn(backend: Backend, blueprint: Blueprint, size: number) {
  const run = openRun(blueprint, backend);
  const { objective, initial } = run;
  const linearised = objective.linearise(initial);
  const v = createRandom(1).fillNormal(new Float32Array(initial.length));
  const batch = Uint32Array.from({ length: size }, (_, i) => i);
  const works: Readonly<Record<string, () => void>> = {
    gradient: () => objective.gradient(initial),
    "gradient of a fresh minibatch": () => {
      const fresh = run.batchObjective(batch);
      fresh.gradient(initial);
      fresh.dispose();
    },
    linearise: () => objective.linearise(initial).dispose(),
    "Hv warm": () => linearised.hessianVectorProduct(v),
  };
  const cases: Case[] = Object.entries(works).map(([what, work]) => ({
    name: `${what}, ${backend.name}`,
    run: () => timed(work),
  }));
  const names = Object.keys(works);
  if (size === EIGEN_SIZE) {
    names.push(TOP_FIVE);
    cases.push({
      name: `${TOP_FIVE}, ${backend.name}`,
      run: () => topFiveMs(() => objective.linearise(initial)),
    });
  }
  return {
    names,
    cases,
    close() {
      linearised.dispose();
      run.dispose();
    },
  };
}

function topFiveMs(
  linearise: () => ReturnType<ReturnType<typeof openRun>["objective"]["linearise"]>,
): number {
  const beganMs = performance.now();
  const at = linearise();
  const n = at.theta.length;
  extremalEigenpairs((w) => at.hessianVectorProduct(w), {
    n,
    top: 5,
    bottom: 0,
    start: createRandom(2).fillNormal(new Float32Array(n)),
    tolerance: 1e-3,
    maxApplications: 200,
  });
  at.dispose();
  return performance.now() - beganMs;
}

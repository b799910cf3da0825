/** The same objective on wasm and on onnxruntime, in turn. */
import { openBackend } from "../server/backends/select.ts";
import type { Linearised } from "../server/engine/objective.ts";
import { extremalEigenpairs } from "../server/numerics/lanczos.ts";
import { createRandom } from "../server/numerics/random.ts";
import { type Case, interleaved, type Measurement, ratioOf, timed } from "./harness.ts";
import { openProblem, type Problem } from "./problems.ts";

const SIZES = { tanh: [128, 512, 2000], relu: [128, 512, 2000], lenet: [128, 512] } as const;
const EIGEN_SIZE = 512;
const TOP_FIVE = "top 5 to residual 1e-3·λ₁, cold";
const ROUNDS = 5;

export async function onnx(): Promise<Measurement[]> {
  const backends = {
    wasm: await openBackend("wasm", { allowNative: false }),
    onnx: await openBackend("onnx", { allowNative: false }),
  };
  const measurements: Measurement[] = [];
  for (const network of ["tanh", "relu", "lenet"] as const) {
    for (const size of SIZES[network]) {
      const wasm = casesOn(await openProblem(network, size, backends.wasm), size);
      const native = casesOn(await openProblem(network, size, backends.onnx), size);
      const values = await interleaved([...wasm.cases, ...native.cases], ROUNDS);
      for (const what of wasm.names) {
        const name = (backend: string) => `${what}, ${backend}`;
        const value = ratioOf(values, name("wasm"), name("onnx"));
        const rounds = (backend: string) => values.get(name(backend)) ?? [];
        const label = (backend: string) => `${network}, B = ${size}: ${name(backend)}`;
        // Of eigenvalues, a good part is Lanczos's own work, the same on both.
        const isTarget = network !== "lenet" && size >= 512 && what !== TOP_FIVE;
        measurements.push(
          { name: label("onnx"), unit: "ms", rounds: rounds("onnx") },
          {
            name: label("wasm"),
            unit: "ms",
            rounds: rounds("wasm"),
            ratio: { to: "onnx", value, target: isTarget ? "≥ 3.5" : "" },
          },
        );
      }
      wasm.close();
      native.close();
    }
  }
  return measurements;
}

function casesOn(problem: Problem, size: number) {
  const { objective, theta, backend } = problem;
  const linearised = objective.linearise(theta);
  const v = createRandom(1).fillNormal(new Float32Array(theta.length));
  const batch = Uint32Array.from({ length: size }, (_, i) => i);
  const works: Readonly<Record<string, () => void>> = {
    gradient: () => objective.gradient(theta),
    "gradient of a fresh minibatch": () => {
      const fresh = problem.batchObjective(batch);
      fresh.gradient(theta);
      fresh.dispose();
    },
    linearise: () => objective.linearise(theta).dispose(),
    "Hv warm": () => linearised.hessianVectorProduct(v),
  };
  const cases: Case[] = Object.entries(works).map(([what, work]) => ({
    name: `${what}, ${backend}`,
    run: () => timed(work),
  }));
  const names = Object.keys(works);
  if (size === EIGEN_SIZE) {
    names.push(TOP_FIVE);
    cases.push({ name: `${TOP_FIVE}, ${backend}`, run: () => topFiveMs(() => objective.linearise(theta)) });
  }
  return {
    names,
    cases,
    close() {
      linearised.dispose();
      problem.dispose();
    },
  };
}

function topFiveMs(linearise: () => Linearised): number {
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

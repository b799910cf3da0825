/** What a Hessian-vector product costs beside a gradient, and five eigenvalues beside both. */
import { openBackend } from "../server/backends/select.ts";
import type { Linearised } from "../server/engine/objective.ts";
import { KrylovBasis } from "../server/numerics/krylov-basis.ts";
import { extremalEigenpairs } from "../server/numerics/lanczos.ts";
import { createRandom } from "../server/numerics/random.ts";
import { hessianOperator } from "../server/streams/symmetric-operator.ts";
import { createBlueprint } from "../server/training/blueprint.ts";
import { openRun } from "../server/training/open-run.ts";
import { resolveSettings } from "../server/training/resolve.ts";
import { interleaved, type Measurement, ratioOf, timed } from "./harness.ts";
import { openProblem } from "./problems.ts";

const BATCHES = [128, 512, 2000];
const ROUNDS = 5;

export async function curvature(): Promise<Measurement[]> {
  const backend = await openBackend("wasm", { allowNative: false });
  const measurements: Measurement[] = [];
  for (const batch of BATCHES) {
    const resolved = resolveSettings({ preset: "fc-199k", trainSize: 4000, probeSize: batch });
    if (!resolved.ok) throw new Error(resolved.problems.join("; "));
    const run = openRun(await createBlueprint(resolved.config), backend);
    const { objective, initial } = run;
    const linearised = objective.linearise(initial);
    const v = createRandom(1).fillNormal(new Float32Array(initial.length));
    const names = { gradient: `gradient, B = ${batch}`, hvp: `Hv warm, B = ${batch}` };
    const values = await interleaved(
      [
        { name: names.gradient, run: () => timed(() => objective.gradient(initial)) },
        { name: names.hvp, run: () => timed(() => linearised.hessianVectorProduct(v)) },
      ],
      ROUNDS,
    );
    measurements.push({ name: names.gradient, unit: "ms", rounds: values.get(names.gradient) ?? [] });
    measurements.push({
      name: names.hvp,
      unit: "ms",
      rounds: values.get(names.hvp) ?? [],
      ratio: { to: "gradient", value: ratioOf(values, names.hvp, names.gradient), target: "≤ 1.3" },
    });
    if (batch === 512) {
      const counts: number[] = [];
      const times = Array.from({ length: ROUNDS }, (_, round) => {
        const beganMs = performance.now();
        const { applications } = extremalEigenpairs(hessianOperator(linearised).apply, {
          n: initial.length,
          top: 5,
          bottom: 0,
          start: createRandom(round + 2).fillNormal(new Float32Array(initial.length)),
          tolerance: 1e-3,
          maxApplications: 200,
        });
        counts.push(applications);
        return performance.now() - beganMs;
      });
      measurements.push({ name: "top 5 to residual 1e-3·λ₁, B = 512", unit: "ms", rounds: times });
      measurements.push({ name: "Hessian-vector products for them", unit: "", rounds: counts });
      measurements.push(await share("wasm", linearised));
    }
    linearised.dispose();
    run.dispose();
  }
  measurements.push(...(await shareOnOnnx()));
  return measurements;
}

async function shareOnOnnx(): Promise<Measurement[]> {
  const backend = await openBackend("onnx", { allowNative: false }).catch(() => null);
  if (backend === null) return [];
  const { objective, theta, dispose } = await openProblem("tanh", 512, backend);
  const linearised = objective.linearise(theta);
  const measured = await share("onnx", linearised);
  linearised.dispose();
  dispose();
  return [measured];
}

const STEPS = 40;

/** Of the time that Lanczos takes, vectors and all. */
async function share(backend: string, linearised: Linearised): Promise<Measurement> {
  const values = await interleaved(
    [{ name: "share", run: () => shareOfOrthogonalising(linearised) }],
    ROUNDS,
  );
  const name = `re-orthogonalisation's share of ${STEPS} steps, B = 512, ${backend} (target ≤ 30)`;
  return { name, unit: "%", rounds: values.get("share") ?? [] };
}

/** The loop of Lanczos without its stopping rule. */
function shareOfOrthogonalising(linearised: Linearised): number {
  const { theta } = linearised;
  const { apply } = hessianOperator(linearised);
  const beganMs = performance.now();
  const basis = new KrylovBasis(theta.length, STEPS);
  basis.w.set(createRandom(1).fillNormal(new Float32Array(theta.length)));
  let length = basis.norm();
  let before = 0;
  let orthogonalisingMs = 0;
  while (basis.length < STEPS) {
    basis.w.set(apply(basis.append(length)));
    const startMs = performance.now();
    length = basis.orthogonalise(before).beta;
    orthogonalisingMs += performance.now() - startMs;
    before = length;
  }
  basis.dispose();
  return (100 * orthogonalisingMs) / (performance.now() - beganMs);
}

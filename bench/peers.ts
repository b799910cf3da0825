/** Gradients, Hessian-vector products, training steps and eigenvalues beside PyTorch's and PyHessian's, one thread each, in turn. */
import { openBackend } from "../server/backends/select.ts";
import type { Backend } from "../server/engine/backend.ts";
import { extremalEigenpairs } from "../server/numerics/lanczos.ts";
import { createRandom } from "../server/numerics/random.ts";
import { hessianOperator } from "../server/streams/symmetric-operator.ts";
import { gradientDescent } from "../server/training/optimizers/gradient-descent.ts";
import { type Case, interleaved, type Measurement, ratioOf, timed } from "./harness.ts";
import { type Network, openProblem, type Problem, trained } from "./problems.ts";
import { PythonPeer } from "./python-peer.ts";

const ROUNDS = 5;
const SIZES: Readonly<Record<Network, readonly number[]>> = {
  tanh: [128, 512, 2000],
  relu: [128, 512, 2000],
  lenet: [128, 512],
};
const PARTS = ["tanh", "relu", "lenet", "eigenvalues"] as const;
export type PeerPart = (typeof PARTS)[number];

const GRADIENT = "gradient";
const WARM = "Hv warm";
const COLD = "Hv cold";
const FORWARD = "Hv cold, jvp of grad";
const STEP = "training step";

/** What is to be reached, as a multiple of torch's time. */
function targetOf(network: Network, size: number, what: string, backend: string): string {
  if (network === "lenet" && backend === "wasm") return what === COLD ? "≤ 4" : "";
  if (what !== WARM) return "";
  if (backend === "wasm") return "≤ 5";
  return size >= 512 ? "≤ 1.1" : "";
}

/** @param parts  what to measure; all when empty. */
export async function peers(parts: readonly string[], python: string) {
  const unknown = parts.find((part) => !PARTS.some((known) => known === part));
  if (unknown !== undefined) throw new Error(`peers: expected ${PARTS.join(", ")}, got "${unknown}"`);
  const wants = (part: PeerPart) => parts.length === 0 || parts.includes(part);
  const backends = [await openBackend("wasm", { allowNative: false })];
  const onnx = await openBackend("onnx", { allowNative: false }).catch((cause: Error) => cause);
  if (onnx instanceof Error) console.error(`peers: without onnx (${onnx.message})`);
  else backends.push(onnx);
  const peer = await PythonPeer.start(python);
  try {
    const measurements: Measurement[] = [];
    for (const network of ["tanh", "relu", "lenet"] as const)
      if (wants(network))
        for (const size of SIZES[network])
          measurements.push(...(await products(peer, backends, network, size)));
    if (wants("eigenvalues"))
      for (const network of ["tanh", "relu"] as const)
        measurements.push(...(await eigenvalues(peer, backends, network)));
    return { versions: peer.versions, measurements };
  } finally {
    await peer.close();
  }
}

async function products(
  peer: PythonPeer,
  backends: readonly Backend[],
  network: Network,
  size: number,
): Promise<Measurement[]> {
  const problems = await Promise.all(backends.map((backend) => openProblem(network, size, backend)));
  const first = problems[0] as Problem;
  await sameProblem(peer, network, first, first.theta);
  const withStep = size === 128;
  const ours = problems.map((problem) => worksOn(problem, withStep));
  const theirs: Case[] = [
    { name: GRADIENT, run: () => peer.time("gradient") },
    { name: WARM, run: () => peer.time("hvp_warm") },
    { name: COLD, run: () => peer.time("hvp_cold") },
    { name: FORWARD, run: () => peer.time("hvp_forward") },
    ...(withStep ? [{ name: STEP, run: () => peer.time("step") }] : []),
  ];
  const values = await interleaved([...theirs, ...ours.flatMap(({ cases }) => cases)], ROUNDS);
  for (const { close } of ours) close();
  const rounds = (name: string) => values.get(name) ?? [];
  return theirs.flatMap(({ name }) => [
    { name: `${network}, B = ${size}: ${name}, torch`, unit: "ms", rounds: rounds(name) },
    ...(name === FORWARD ? [] : backends).map((backend) => {
      const own = `${name}, ${backend.name}`;
      const target = targetOf(network, size, name, backend.name);
      const ratio = { to: "torch", value: ratioOf(values, own, name), target };
      return { name: `${network}, B = ${size}: ${own}`, unit: "ms", rounds: rounds(own), ratio };
    }),
  ]);
}

/** That both sides compute the same loss, so that their times may be compared. */
async function sameProblem(peer: PythonPeer, network: Network, problem: Problem, theta: Float32Array) {
  const theirs = await peer.open(network, theta, problem);
  const ours = problem.objective.loss(theta);
  if (!(Math.abs(ours - theirs) < 1e-5 * Math.abs(ours)))
    throw new Error(`peers: expected one loss of ${network}, got ${ours} here and ${theirs} from torch`);
}

function worksOn(problem: Problem, withStep: boolean) {
  const { objective, theta, examples } = problem;
  const v = createRandom(1).fillNormal(new Float32Array(theta.length));
  const linearised = objective.linearise(theta);
  const random = createRandom(2);
  const rows = Uint32Array.from({ length: examples.size }, (_, i) => i);
  const optimizer = gradientDescent(0);
  const moving = theta.slice();
  const works: Record<string, () => void> = {
    [GRADIENT]: () => objective.gradient(theta),
    [WARM]: () => linearised.hessianVectorProduct(v),
    [COLD]: () => {
      const at = objective.linearise(theta);
      at.hessianVectorProduct(v);
      at.dispose();
    },
    ...(withStep && {
      [STEP]: () => {
        const batch = problem.batchObjective(random.shuffle(rows));
        optimizer.update(moving, batch.gradient(moving).gradient, 1e-6);
        batch.dispose();
      },
    }),
  };
  return {
    cases: Object.entries(works).map(
      ([name, work]): Case => ({ name: `${name}, ${problem.backend}`, run: () => timed(work) }),
    ),
    close() {
      linearised.dispose();
      problem.dispose();
    },
  };
}

const COUNT = 5;
const EXAMPLES = 512;
const TRUE_ERROR = 1e-3;
/** Each side stops by its own rule, at the loosest of these tolerances that brings the true error down to {@link TRUE_ERROR} from every start. */
const TOLERANCES = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6];
const STARTS = [101, 102, 103];

interface Found {
  readonly ms: number;
  readonly values: readonly number[];
  readonly products: number;
}

/** Five eigenvalues after 200 steps of training, to a true relative error of 1e-3 each. */
async function eigenvalues(
  peer: PythonPeer,
  backends: readonly Backend[],
  network: Network,
): Promise<Measurement[]> {
  const problems = await Promise.all(backends.map((backend) => openProblem(network, EXAMPLES, backend)));
  const theta = trained(problems.at(-1) as Problem, 200);
  await sameProblem(peer, network, problems[0] as Problem, theta);
  const exact = await peer.top(COUNT);
  const errorOf = ({ values }: Found) =>
    Math.max(...exact.map((value, i) => Math.abs((values[i] ?? Number.NaN) - value) / Math.abs(value)));

  const sides = [
    { name: "PyHessian", run: (tol: number, start: number) => peer.pyhessian(COUNT, tol, start) },
    ...problems.map((problem) => ({
      name: problem.backend,
      run: async (tolerance: number, start: number) => lanczos(problem, theta, tolerance, start),
    })),
  ];
  const chosen = new Map<string, { tolerance: number; found: Found[] }>();
  for (const { name, run } of sides) chosen.set(name, { tolerance: await loosest(run, errorOf), found: [] });
  const values = await interleaved(
    sides.map(({ name, run }) => ({
      name,
      async run() {
        const { tolerance, found } = chosen.get(name) as { tolerance: number; found: Found[] };
        found.push(await run(tolerance, found.length + 1));
        return (found.at(-1) as Found).ms;
      },
    })),
    ROUNDS,
  );
  for (const problem of problems) problem.dispose();
  return sides.flatMap(({ name }) => {
    const { tolerance, found } = chosen.get(name) as { tolerance: number; found: Found[] };
    const title = `${network}, B = ${EXAMPLES}: top ${COUNT}, ${name}, tolerance ${tolerance}`;
    const time: Measurement = { name: title, unit: "ms", rounds: values.get(name) ?? [] };
    const target = name === "onnx" ? "≤ 0.12" : "≤ 0.5";
    return [
      name === "PyHessian"
        ? time
        : { ...time, ratio: { to: "PyHessian", value: ratioOf(values, name, "PyHessian"), target } },
      { name: "  Hessian-vector products", unit: "", rounds: found.map(({ products }) => products) },
      { name: `  largest true error (wanted ≤ ${TRUE_ERROR})`, unit: "", rounds: found.map(errorOf) },
    ];
  });
}

async function loosest(
  run: (tolerance: number, start: number) => Promise<Found>,
  errorOf: (found: Found) => number,
): Promise<number> {
  for (const tolerance of TOLERANCES) {
    let worst = 0;
    for (const start of STARTS) worst = Math.max(worst, errorOf(await run(tolerance, start)));
    if (worst <= TRUE_ERROR) return tolerance;
  }
  return TOLERANCES.at(-1) as number;
}

/** The linearisation is in the time, as it is in PyHessian's. */
function lanczos({ objective }: Problem, theta: Float32Array, tolerance: number, start: number): Found {
  const beganMs = performance.now();
  const at = objective.linearise(theta);
  const { top, applications } = extremalEigenpairs(hessianOperator(at).apply, {
    n: theta.length,
    top: COUNT,
    bottom: 0,
    start: createRandom(start).fillSigns(new Float32Array(theta.length)),
    tolerance,
    maxApplications: 200,
  });
  at.dispose();
  const ms = performance.now() - beganMs;
  return { ms, values: top.map(({ value }) => value), products: applications };
}

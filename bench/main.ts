/**
 * `npm run bench [-- curvature onnx overhead latency recording codec fan-out] [--json file] [--backend of overhead]`; nothing else should
 * run meanwhile. What takes long or needs more is asked for by name: `presets [name …] [--backend name]`, `soak [steps]`,
 * `peers [tanh relu lenet eigenvalues] [--python path]`,
 * `cockpit [mnist-mlp mnist-mlp-200x200] [economy business full default] [1 4 16 64 256] [wasm onnx] [once]`.
 */
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import type { RunSettings } from "../server/training/config.ts";
import { cockpit, printCells } from "./cockpit.ts";
import { codec } from "./codec.ts";
import { curvature } from "./curvature.ts";
import { fanOut } from "./fan-out.ts";
import { line, type Measurement, printTable } from "./harness.ts";
import { latency, overhead, recording } from "./live.ts";
import { onnx } from "./onnx.ts";
import { peers } from "./peers.ts";
import { presets } from "./presets.ts";
import { soak } from "./soak.ts";

const suites: Readonly<Record<string, { readonly title: string; run(): Promise<Measurement[]> }>> = {
  curvature: { title: "Curvature, 784-200-200-10 on wasm", run: curvature },
  onnx: { title: "onnxruntime beside wasm, 784-200-200-10 and LeNet-5, one core each", run: onnx },
  overhead: { title: "Training with and without watching, preset classic", run: () => overhead(backend) },
  latency: { title: "From a step to a socket", run: latency },
  recording: { title: "Recording", run: recording },
  "fan-out": { title: "1 KB to 100 clients, gateway beside bare ws", run: fanOut },
  codec: { title: "Weights as they are recorded, 784-200-200-10", run: codec },
};

const args = process.argv.slice(2).map((arg) => (arg === "--peers" ? "peers" : arg));
const jsonFile = take("--json");
const backend = take("--backend") as RunSettings["backend"];
const python = take("--python") ?? "python3";
const results: Record<string, unknown> = {
  machine: `${cpus()[0]?.model} × ${cpus().length}, node ${process.versions.node}`,
  at: new Date().toISOString(),
};
if (args[0] === "soak") {
  results["soak"] = await soak(Number(args[1] ?? 10_000));
} else if (args[0] === "presets") {
  results["presets"] = await presets(args.slice(1), backend);
} else if (args[0] === "peers") {
  await said(async () => {
    const { versions, measurements } = await peers(args.slice(1), python);
    printTable(`Beside PyTorch and PyHessian, one thread each: ${JSON.stringify(versions)}`, measurements);
    results["peers"] = { versions, measurements };
  });
} else if (args[0] === "cockpit") {
  await said(async () => {
    const cells = await cockpit(args.slice(1), (measurement) => console.log(line(measurement)));
    console.log("\nTime per step, of that of training alone, in the form of Cockpit's table");
    printCells(cells);
    results["cockpit"] = cells;
  });
} else {
  const names = args.length > 0 ? args : Object.keys(suites);
  const unknown = names.find((name) => !(name in suites));
  if (unknown !== undefined) {
    console.error(
      `bench: expected ${Object.keys(suites).join(", ")}, presets, soak, peers or cockpit, got "${unknown}"`,
    );
    process.exitCode = 2;
  } else {
    for (const name of names) {
      const suite = suites[name];
      if (suite === undefined) continue;
      const measurements = await suite.run();
      printTable(suite.title, measurements);
      results[name] = measurements;
    }
  }
}

/** What cannot be measured is a sentence, not a trace. */
async function said(measure: () => Promise<void>): Promise<void> {
  try {
    await measure();
  } catch (cause) {
    console.error((cause as Error).message);
    process.exitCode = 2;
  }
}

/** The value of a flag, which is then gone from the arguments. */
function take(flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args.splice(at, 2)[1];
}

if (jsonFile !== undefined) await writeFile(jsonFile, `${JSON.stringify(results, null, 2)}\n`);

/** `npm run bench [-- curvature onnx overhead latency recording codec fan-out | presets [name …] [--backend name]] [--json file]`. Nothing else should run meanwhile. */
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import type { RunSettings } from "../server/training/config.ts";
import { codec } from "./codec.ts";
import { curvature } from "./curvature.ts";
import { fanOut } from "./fan-out.ts";
import { type Measurement, printTable } from "./harness.ts";
import { latency, overhead, recording } from "./live.ts";
import { onnx } from "./onnx.ts";
import { presets } from "./presets.ts";

const suites: Readonly<Record<string, { readonly title: string; run(): Promise<Measurement[]> }>> = {
  curvature: { title: "Curvature, 784-200-200-10 on wasm", run: curvature },
  onnx: { title: "onnxruntime beside wasm, 784-200-200-10, one core each", run: onnx },
  overhead: { title: "Training with and without watching, preset classic", run: overhead },
  latency: { title: "From a step to a socket", run: latency },
  recording: { title: "Recording", run: recording },
  "fan-out": { title: "1 KB to 100 clients, gateway beside bare ws", run: fanOut },
  codec: { title: "Weights as they are recorded, 784-200-200-10", run: codec },
};

const args = process.argv.slice(2);
const jsonFile = take("--json");
const backend = take("--backend");
const results: Record<string, unknown> = {
  machine: `${cpus()[0]?.model} × ${cpus().length}, node ${process.versions.node}`,
  at: new Date().toISOString(),
};
if (args[0] === "presets") {
  results["presets"] = await presets(args.slice(1), backend as RunSettings["backend"]);
} else {
  const names = args.length > 0 ? args : Object.keys(suites);
  const unknown = names.find((name) => !(name in suites));
  if (unknown !== undefined) {
    console.error(`bench: expected ${Object.keys(suites).join(", ")} or presets, got "${unknown}"`);
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

/** The value of a flag, which is then gone from the arguments. */
function take(flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args.splice(at, 2)[1];
}

if (jsonFile !== undefined) await writeFile(jsonFile, `${JSON.stringify(results, null, 2)}\n`);

/** What computed a run: packages, Node, and the processor. */
import { createRequire } from "node:module";
import { cpus } from "node:os";

export function thalwegVersion(): string {
  return versionOf("thalweg");
}

/** For a session's header. */
export function versions(backends: readonly string[]): Record<string, string> {
  return {
    thalweg: thalwegVersion(),
    node: process.versions.node,
    tfjs: versionOf("@tensorflow/tfjs-core"),
    ...(backends.includes("onnx") ? { onnxruntime: versionOf("onnxruntime-node") } : {}),
    cpu: `${cpus()[0]?.model ?? "unknown"} × ${cpus().length}`,
  };
}

function versionOf(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return version;
}

/** A program of these tests as one file: a process that has to compile itself first would be killed before it has done anything. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

/** @param name  of the file beside this one. @returns where the program lies. */
export async function buildChild(name: string): Promise<string> {
  const folder = fileURLToPath(new URL("../../dist/torture", import.meta.url));
  await build({
    logLevel: "error",
    configFile: false,
    build: {
      ssr: fileURLToPath(new URL(`${name}.ts`, import.meta.url)),
      outDir: folder,
      emptyOutDir: false,
      target: "node20",
      rollupOptions: { output: { entryFileNames: `${name}.mjs` } },
    },
  });
  return join(folder, `${name}.mjs`);
}

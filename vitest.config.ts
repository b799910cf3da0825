import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { findBrowser } from "./test/browser/find-browser.ts";

/** They spoil what they import for whoever comes after: modules that are swapped or spied on, memory that is used up. */
const ALONE = [
  "test/backends/select.test.ts",
  "test/engine/tensor-memory.test.ts",
  "test/session/import-recording.test.ts",
];

const root = fileURLToPath(new URL(".", import.meta.url));

export default defineConfig(async () => {
  // Where there is none, the node tests run all the same, and require-browser.ts says what to do.
  const browser = await findBrowser(root).catch(() => null);
  return {
    resolve: {
      alias: [
        { find: /^thalweg$/, replacement: fileURLToPath(new URL("./server/index.ts", import.meta.url)) },
      ],
    },
    test: {
      // Against what hangs alone: how long a busy machine takes is no fault of the code.
      testTimeout: 60_000,
      hookTimeout: 60_000,
      // Two also on two cores: many tests wait for a server of their own, not for a core.
      maxWorkers: Math.max(2, availableParallelism() - 1),
      projects: [
        {
          extends: true,
          test: {
            name: "node",
            environment: "node",
            include: ["test/**/*.test.ts"],
            exclude: ["test/client/browser/**", ...ALONE],
            // A worker's files share what they import: TensorFlow.js anew for each file takes longer than most of their tests.
            isolate: false,
            // What was built runs as it is.
            server: { deps: { external: [/\/dist\//] } },
          },
        },
        { extends: true, test: { name: "alone", environment: "node", include: ALONE } },
        {
          extends: true,
          // Without "development": Lit's builds as they are shipped, which also say nothing on the console.
          resolve: { conditions: ["module", "browser"] },
          // Found and bundled before the first test: a late discovery would reload the page under it.
          optimizeDeps: {
            include: [
              "axe-core",
              "d3-array",
              "d3-axis",
              "d3-format",
              "d3-scale",
              "d3-selection",
              "lit",
              "lit/directives/repeat.js",
              "zod/mini",
            ],
          },
          test: {
            name: "browser",
            include: ["test/client/browser/**/*.test.ts"],
            globalSetup: ["test/browser/require-browser.ts"],
            browser: {
              enabled: true,
              headless: true,
              screenshotFailures: false,
              api: { host: "127.0.0.1" },
              viewport: { width: 1440, height: 900 },
              provider: playwright(
                browser === null
                  ? {}
                  : { launchOptions: { executablePath: browser.executablePath, env: browser.env } },
              ),
              instances: [{ browser: "chromium" }],
            },
          },
        },
      ],
    },
  };
});

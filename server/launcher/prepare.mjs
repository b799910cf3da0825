/**
 * Brings a checkout to the point where its commands can run: Node, packages, build.
 *
 * Plain JavaScript without packages, because it runs before any is there. Says what it does on stderr, so that
 * stdout belongs to the command; says nothing when there is nothing to do.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runTool, ToolFailure } from "./tool.mjs";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Packages and the build, whichever is missing or stale. Exits with one sentence and the tool's output when a tool fails. */
export async function prepare({ packages = true, build = true } = {}) {
  const refusal = nodeTooOld(process.versions.node);
  if (refusal) {
    console.error(refusal);
    process.exit(1);
  }
  try {
    if (packages) await install();
    if (build) {
      await compile();
      await bundle();
    }
  } catch (cause) {
    if (!(cause instanceof ToolFailure)) throw cause;
    if (cause.output) console.error(`${cause.output}\n`);
    console.error(cause.message);
    process.exit(cause.exitCode);
  }
}

/** A sentence when this Node cannot run Thalweg, else undefined. The range is `engines` of package.json. */
export function nodeTooOld(version) {
  const [major, minor] = version.split(".").map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (fits) return undefined;
  return `Thalweg needs Node 20.19 or newer (of Node 22: 22.12 or newer); this is Node ${version}. See https://nodejs.org.`;
}

async function install() {
  const lock = lockedPackages(join(ROOT, "package-lock.json"));
  const installed = lockedPackages(join(ROOT, "node_modules", ".package-lock.json"));
  if (!lock || !installed || missingPackages(lock, installed).length > 0) {
    await npm({
      doing: installed ? "updating packages (npm ci)" : "installing packages (npm ci)",
      done: "packages installed",
      failed: installFailure,
      args: ["ci", "--include=dev"],
    });
  } else if (untriedPackages(lock, installed, triedPackages(ROOT)).length > 0) {
    await tryOptional();
  }
  rememberTried(ROOT, lock);
}

/** Leaves alone what is there: without the network everything else must go on. */
async function tryOptional() {
  try {
    await npm({
      doing: "trying a new optional package (npm install)",
      done: "tried",
      failed: () => "",
      args: ["install", "--no-save", "--include=dev"],
    });
  } catch (cause) {
    if (!(cause instanceof ToolFailure)) throw cause;
    console.error("A new optional package cannot be installed; going on without it.");
  }
}

function npm({ args, ...rest }) {
  return runTool({
    ...rest,
    // On Windows npm is a batch file, which only a shell can start.
    command: process.platform === "win32" ? "npm.cmd" : "npm",
    shell: process.platform === "win32",
    args: [...args, "--no-audit", "--no-fund"],
    cwd: ROOT,
    // onnxruntime-node's install script fetches what only a GPU needs; without the network it fails, and npm leaves the package out.
    env: { ONNXRUNTIME_NODE_INSTALL: "skip", ...process.env },
  });
}

/** Inside node_modules, so that it goes when that goes. */
const TRIED_FILE = join("node_modules", ".thalweg-optional.json");

/** Optional packages, as `path@version`, that have had their chance; null after an installation that was not ours, which tried them all. */
export function triedPackages(root) {
  try {
    return new Set(JSON.parse(readFileSync(join(root, TRIED_FILE), "utf8")));
  } catch {
    return null;
  }
}

/** Npm has tried every optional package of this lockfile, whatever came of it. */
export function rememberTried(root, lock) {
  const optional = Object.entries(lock ?? {}).filter(([, { optional }]) => optional);
  const text = `${JSON.stringify(optional.map(noteOf))}\n`;
  const file = join(root, TRIED_FILE);
  try {
    if (existsSync(file) && readFileSync(file, "utf8") === text) return;
    writeFileSync(file, text);
  } catch {
    // A folder that may not be written to: nothing new can be installed there either.
  }
}

/** Optional packages that are absent, and of which no installation has tried this version: once for each. */
export function untriedPackages(lock, installed, tried) {
  if (tried === null) return [];
  return Object.entries(lock)
    .filter(([path, wanted]) => wanted.optional && !installed[path] && !tried.has(noteOf([path, wanted])))
    .map(([path]) => path);
}

function noteOf([path, { version }]) {
  return `${path}@${version}`;
}

/** What went wrong with npm ci, as far as its output says. */
export function installFailure(output) {
  const code =
    /\b(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/.exec(
      output,
    )?.[1];
  if (code) return `npm ci failed: the npm registry cannot be reached (${code}); installing needs it once.`;
  return "npm ci failed: see npm's message above.";
}

function lockedPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/**
 * Packages of the lockfile that node_modules lacks or has in another version. By content, not by time: a checkout
 * touches files without changing them. npm leaves out optional packages that do not fit the machine, so those may be absent;
 * {@link untriedPackages} are another matter.
 */
export function missingPackages(lock, installed) {
  return Object.entries(lock)
    .filter(([path, wanted]) => {
      if (path === "") return false;
      const found = installed[path];
      if (!found) return !wanted.optional;
      return found.version !== wanted.version || found.integrity !== wanted.integrity;
    })
    .map(([path]) => path);
}

async function compile() {
  await unlessStamped(
    "server",
    ["shared", "client/connection", "server", "examples", "bench"],
    "dist/server/cli.js",
    () =>
      runTool({
        doing: "compiling the server (tsc)",
        done: "server compiled",
        failed: () => "The server does not compile: see the errors above.",
        command: process.execPath,
        args: [bin("typescript", "tsc"), "-b", "server", "examples", "bench"],
        cwd: ROOT,
      }),
  );
}

async function bundle() {
  await unlessStamped("client", ["shared", "client"], "dist/dashboard/index.html", () =>
    runTool({
      doing: "building the dashboard (vite)",
      done: "dashboard built",
      failed: () => "The dashboard does not build: see the errors above.",
      command: process.execPath,
      args: [bin("vite", "vite"), "build", "--logLevel", "warn"],
      cwd: ROOT,
    }),
  );
}

/** The script behind a package's command: `.bin` holds links on Linux, but batch files on Windows. */
export function bin(packageName, command) {
  const folder = join(ROOT, "node_modules", packageName);
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof manifest.bin === "string" ? manifest.bin : manifest.bin[command]);
}

/** Runs `build` unless `product` is there and was made from exactly these sources. */
async function unlessStamped(name, folders, product, build) {
  const stampFile = join(ROOT, "dist", ".build", `${name}.stamp`);
  const stamp = stampOf(ROOT, folders);
  if (existsSync(join(ROOT, product)) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp)
    return;
  await build();
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
}

const CONFIGURATION = ["package-lock.json", "tsconfig.base.json", "tsconfig.json", "vite.config.ts"];

/** A digest of all files in these folders of `root`, and of what says how to build them. */
export function stampOf(root, folders) {
  const hash = createHash("sha256");
  const files = [...CONFIGURATION, ...folders.flatMap((folder) => filesIn(root, folder))];
  for (const file of files) {
    if (!existsSync(join(root, file))) continue;
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

function filesIn(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => join(folder, name))
    .filter((name) => statSync(join(root, name)).isFile())
    .sort();
}

/**
 * Finds a Chromium for the browser tests: the caller's own, then an installed one, then the one that came with npm (Linux x64).
 */
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";

export interface Browser {
  readonly executablePath: string;
  /** What the browser process must have in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly origin: "BROWSER_PATH" | "installed" | "shipped";
}

const SHIPPED = "@sparticuz/chromium";
const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chrome",
  "msedge",
  "microsoft-edge",
];
const MAC = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
];
const WINDOWS = [
  "Google\\Chrome\\Application\\chrome.exe",
  "Chromium\\Application\\chrome.exe",
  "Microsoft\\Edge\\Application\\msedge.exe",
];

/**
 * @param root  folder that holds node_modules; the shipped browser is unpacked to node_modules/.cache/browser.
 * @throws {Error} when there is none: names what was tried and what to do.
 */
export async function findBrowser(root: string): Promise<Browser> {
  const env = inherited();
  const given = process.env["BROWSER_PATH"];
  if (given !== undefined && given !== "") {
    if (!isExecutable(given))
      throw new Error(`BROWSER_PATH: expected an executable file, got ${JSON.stringify(given)}`);
    return { executablePath: given, env, origin: "BROWSER_PATH" };
  }
  const installed = installedPlaces().find(isExecutable);
  if (installed !== undefined) return { executablePath: installed, env, origin: "installed" };
  if (process.platform === "linux" && process.arch === "x64") {
    const unpacked = await unpackShipped(root);
    return { ...unpacked, env: { ...env, ...unpacked.env }, origin: "shipped" };
  }
  throw new Error(
    `No browser for the tests: none of ${NAMES.join(", ")} is on PATH or in the usual places of ${process.platform}, and the one that ` +
      "comes with npm runs on Linux x64 only. Install Chrome or Chromium, or set BROWSER_PATH to its executable.",
  );
}

function installedPlaces(): string[] {
  const suffix = process.platform === "win32" ? ".exe" : "";
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const onPath = folders.flatMap((folder) => NAMES.map((name) => join(folder, name + suffix)));
  if (process.platform === "darwin")
    return [...onPath, ...MAC, ...MAC.map((place) => join(homedir(), place))];
  if (process.platform !== "win32") return onPath;
  const roots = ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].flatMap(
    (name) => process.env[name] ?? [],
  );
  return [...onPath, ...roots.flatMap((base) => WINDOWS.map((place) => join(base, place)))];
}

/**
 * Unpacks once per version, into a folder of its own that is renamed into place when complete, so that a cut or a parallel
 * unpacking never leaves half a browser. The package's libraries and fonts come along: a bare Linux has neither, and without
 * fonts Chromium draws no text at all.
 */
async function unpackShipped(root: string): Promise<{ executablePath: string; env: Record<string, string> }> {
  const require = createRequire(join(resolve(root), "package.json"));
  const entry = require.resolve(SHIPPED);
  const manifest = join(
    entry.slice(0, entry.lastIndexOf(join("@sparticuz", "chromium"))),
    SHIPPED,
    "package.json",
  );
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const cache = join(resolve(root), "node_modules", ".cache", "browser");
  const home = join(cache, version);
  if (!existsSync(home)) {
    await mkdir(cache, { recursive: true });
    const staging = await mkdtemp(join(cache, "unpacking-"));
    try {
      // The package unpacks to the system's temporary folder, and its libraries only where it believes to be on Lambda.
      await promisify(execFile)(process.execPath, ["-e", UNPACK, entry], {
        env: { ...process.env, TMPDIR: staging, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs20.x" },
      });
      await writeFile(join(staging, "fonts.conf"), fontsConf(home));
      await rename(staging, home);
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      // Another process may have been first.
      if (!existsSync(home)) throw error;
    }
  }
  const libraries = [join(home, "al2023", "lib"), process.env["LD_LIBRARY_PATH"] ?? ""].filter(
    (l) => l !== "",
  );
  return {
    executablePath: join(home, "chromium"),
    env: { LD_LIBRARY_PATH: libraries.join(delimiter), FONTCONFIG_FILE: join(home, "fonts.conf") },
  };
}

const UNPACK = `const loaded = require(process.argv[1]); (loaded.default ?? loaded).executablePath();`;

function fontsConf(home: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${home}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${home}/font-cache</cachedir>
</fontconfig>
`;
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, process.platform === "win32" ? constants.F_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

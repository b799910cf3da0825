/**
 * node test/tfjs-node/lane.mjs [folder]: the engine on tfjs-node, which most machines cannot install.
 *
 * tfjs-node fetches its library from a place that is often out of reach. This builds it from package registries alone: TensorFlow's shared
 * libraries and headers out of the wheel on PyPI, N-API headers from npm, the binding with g++. All of it in a copy of the checkout, so that
 * nothing here changes. Needs Linux x64, g++, unzip, python3 with pip, 3 GiB of disk; says so and exits with 0 where one is missing.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The C interface has been the same since 2.9, which tfjs-node 4.22 was made for; from 2.12 on the wheel has it as a library of its own. */
const TENSORFLOW = "2.15.1";
const PYTHON = "3.11";
const TESTS = ["test/backends", "test/engine", "test/tfjs-node"];

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = resolve(process.argv[2] ?? join(tmpdir(), "thalweg-tfjs-node"));
const checkout = join(folder, "checkout");
const wheel = join(folder, "wheel");

const missing = obstacle();
if (missing !== null) {
  console.log(`tfjs-node: skipped, ${missing}`);
  process.exit(0);
}
mkdirSync(folder, { recursive: true });
copyCheckout();
fetchTensorFlow();
buildBinding();
run("npx", ["tsc", "-b", "server"], checkout);
const { status } = spawnSync("npx", ["vitest", "run", "--project", "node", "--project", "alone", ...TESTS], {
  cwd: checkout,
  stdio: "inherit",
  env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" },
});
process.exit(status ?? 1);

function obstacle() {
  if (process.platform !== "linux" || process.arch !== "x64")
    return `this is ${process.platform} ${process.arch}, not Linux x64`;
  const tools = [
    ["g++", "--version"],
    ["unzip", "-v"],
    ["python3", "-m", "pip", "--version"],
  ];
  const absent = tools.find(([command, ...args]) => spawnSync(command, args).status !== 0);
  return absent === undefined ? null : `${absent.slice(0, absent.length - 1).join(" ")} is not installed`;
}

/** Tracked files as they are now, and packages without their install scripts: tfjs-node is then there, without what it would download. */
function copyCheckout() {
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
  });
  for (const file of files.toString().split("\0")) {
    if (file !== "" && existsSync(join(root, file))) cpSync(join(root, file), join(checkout, file));
  }
  if (existsSync(join(checkout, "node_modules", "@tensorflow", "tfjs-node"))) return;
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], checkout);
  run(
    "npm",
    ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "node-api-headers@1.9.0"],
    checkout,
  );
}

function fetchTensorFlow() {
  if (existsSync(join(wheel, "tensorflow", "libtensorflow_cc.so"))) return;
  const pip = [
    "-m",
    "pip",
    "download",
    `tensorflow-cpu==${TENSORFLOW}`,
    "--no-deps",
    "--python-version",
    PYTHON,
  ];
  run(
    "python3",
    [...pip, "--only-binary=:all:", "--platform", "manylinux2014_x86_64", "--dest", folder],
    folder,
  );
  const file = readdirSync(folder).find(
    (name) => name.startsWith("tensorflow_cpu-") && name.endsWith(".whl"),
  );
  const wanted = [
    "tensorflow/libtensorflow_*",
    "tensorflow/include/tensorflow/*",
    "tensorflow/include/tsl/*",
  ];
  run("unzip", ["-q", "-o", file, ...wanted, "-d", wheel], folder);
  for (const name of ["libtensorflow_cc.so", "libtensorflow_framework.so"]) {
    symlinkSync(`${name}.2`, join(wheel, "tensorflow", name));
  }
}

function buildBinding() {
  const packages = join(checkout, "node_modules");
  const native = join(packages, "@tensorflow", "tfjs-node");
  const built = join(folder, "tfjs_binding.node");
  if (!existsSync(built)) {
    const libraries = join(wheel, "tensorflow");
    run(
      "g++",
      [
        ...["-std=c++17", "-O2", "-shared", "-fPIC", "-DNAPI_VERSION=8", "-o", built],
        ...["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(native, "binding", name)),
        ...[native, join(libraries, "include"), join(packages, "node-api-headers", "include")].map(
          (path) => `-I${path}`,
        ),
        ...[`-L${libraries}`, "-ltensorflow_cc", "-ltensorflow_framework", `-Wl,-rpath,${libraries}`],
      ],
      folder,
    );
  }
  mkdirSync(join(native, "lib", "napi-v8"), { recursive: true });
  copyFileSync(built, join(native, "lib", "napi-v8", "tfjs_binding.node"));
}

function run(command, args, cwd) {
  console.log(`tfjs-node: ${command} ${args.slice(0, 4).join(" ")} …`);
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (status !== 0) {
    console.error(`tfjs-node: ${command} failed`);
    process.exit(1);
  }
}

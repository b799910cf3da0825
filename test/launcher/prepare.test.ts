import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

interface Package {
  readonly version: string;
  readonly integrity?: string;
  readonly optional?: boolean;
}
interface Prepare {
  nodeTooOld(version: string): string | undefined;
  missingPackages(lock: Record<string, Package>, installed: Record<string, Package>): string[];
  untriedPackages(
    lock: Record<string, Package>,
    installed: Record<string, Package>,
    tried: ReadonlySet<string> | null,
  ): string[];
  triedPackages(root: string): ReadonlySet<string> | null;
  rememberTried(root: string, lock: Record<string, Package>): void;
  installFailure(output: string): string;
  stampOf(root: string, folders: readonly string[]): string;
}

const ROOT = join(import.meta.dirname, "..", "..");
// The launcher is plain JavaScript, which the compiler of the tests does not read.
const launcher: string = join(ROOT, "server", "launcher", "prepare.mjs");
const {
  nodeTooOld,
  missingPackages,
  untriedPackages,
  triedPackages,
  rememberTried,
  installFailure,
  stampOf,
} = (await import(launcher)) as Prepare;

describe("the Node check", () => {
  it.each(["20.19.0", "20.20.2", "22.12.0", "24.0.0", "26.1.0"])("accepts Node %s", (version) => {
    expect(nodeTooOld(version)).toBeUndefined();
  });

  it.each(["16.20.2", "18.20.8", "20.18.3", "21.7.3", "22.11.0"])(
    "refuses Node %s in one line",
    (version) => {
      expect(nodeTooOld(version)).toMatch(new RegExp(`^[^\n]*20\\.19[^\n]*${version}[^\n]*$`));
    },
  );

  it("says what package.json says", () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(engines.node).toBe("^20.19.0 || >=22.12.0");
  });
});

describe("the package check", () => {
  const wanted = { "": { version: "0.1.0" }, "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } };

  it("finds nothing to do when every package is there", () => {
    expect(
      missingPackages(wanted, { "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } }),
    ).toEqual([]);
  });

  it("finds a package that is missing, of another version, or of other content", () => {
    expect(missingPackages(wanted, {})).toEqual(["node_modules/a"]);
    expect(missingPackages(wanted, { "node_modules/a": { version: "1.0.1" } })).toEqual(["node_modules/a"]);
    expect(
      missingPackages(wanted, { "node_modules/a": { version: "1.0.0", integrity: "sha512-b" } }),
    ).toEqual(["node_modules/a"]);
  });

  it("does not miss an optional package, but does see an old one", () => {
    const optional = { "node_modules/b": { version: "2.0.0", optional: true } };
    expect(missingPackages(optional, {})).toEqual([]);
    expect(missingPackages(optional, { "node_modules/b": { version: "1.0.0" } })).toEqual(["node_modules/b"]);
  });
});

describe("an optional package that a newer version brings", () => {
  const old = {
    "node_modules/a": { version: "1.0.0" },
    "node_modules/b": { version: "2.0.0", optional: true },
  };
  const lock = { ...old, "node_modules/c": { version: "3.0.0", optional: true } };
  const installed = { "node_modules/a": { version: "1.0.0" } };
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "thalweg-optional-"));
    mkdirSync(join(root, "node_modules"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("is tried once, whatever came of it", () => {
    rememberTried(root, old);
    expect(untriedPackages(lock, installed, triedPackages(root))).toEqual(["node_modules/c"]);
    rememberTried(root, lock);
    expect(untriedPackages(lock, installed, triedPackages(root))).toEqual([]);
  });

  it("is tried again in another version, and never where it is installed", () => {
    rememberTried(root, lock);
    const newer = { ...lock, "node_modules/c": { version: "3.1.0", optional: true } };
    expect(untriedPackages(newer, installed, triedPackages(root))).toEqual(["node_modules/c"]);
    const present = { ...installed, "node_modules/c": { version: "3.1.0" } };
    expect(untriedPackages(newer, present, triedPackages(root))).toEqual([]);
  });

  it("has been tried by an installation by hand, which leaves no note", () => {
    expect(triedPackages(root)).toBeNull();
    expect(untriedPackages(lock, installed, null)).toEqual([]);
  });
});

describe("a failed installation", () => {
  it("is blamed on the network only when npm's output says so", () => {
    expect(installFailure("npm error code ENOTFOUND\nnpm error network")).toMatch(/registry.*ENOTFOUND/);
    expect(installFailure("npm error code EUSAGE")).not.toMatch(/registry/);
  });
});

describe("the stamp of the sources", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "thalweg-stamp-"));
    mkdirSync(join(root, "shared", "deep"), { recursive: true });
    writeFileSync(join(root, "shared", "deep", "a.ts"), "1");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("does not change when a file is only touched", () => {
    const before = stampOf(root, ["shared"]);
    utimesSync(join(root, "shared", "deep", "a.ts"), new Date(), new Date());
    expect(stampOf(root, ["shared"])).toBe(before);
  });

  it("changes with a file's text, its name, a new file, and the lockfile", () => {
    const stamps = [stampOf(root, ["shared"])];
    writeFileSync(join(root, "shared", "deep", "a.ts"), "2");
    stamps.push(stampOf(root, ["shared"]));
    writeFileSync(join(root, "shared", "b.ts"), "");
    stamps.push(stampOf(root, ["shared"]));
    writeFileSync(join(root, "package-lock.json"), "{}");
    stamps.push(stampOf(root, ["shared"]));
    expect(new Set(stamps).size).toBe(4);
  });
});

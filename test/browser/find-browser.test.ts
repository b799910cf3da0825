import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { findBrowser } from "./find-browser.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

afterEach(() => vi.unstubAllEnvs());

describe("findBrowser", () => {
  it("takes the executable that BROWSER_PATH names", async () => {
    vi.stubEnv("BROWSER_PATH", process.execPath);
    const browser = await findBrowser(root);
    expect(browser).toMatchObject({ executablePath: process.execPath, origin: "BROWSER_PATH" });
  });

  it("refuses a BROWSER_PATH that cannot be run, and names it", async () => {
    vi.stubEnv("BROWSER_PATH", "/nowhere/chrome");
    await expect(findBrowser(root)).rejects.toThrow(
      'BROWSER_PATH: expected an executable file, got "/nowhere/chrome"',
    );
  });

  it.runIf(process.platform === "linux" && process.arch === "x64")(
    "unpacks the shipped browser, with its libraries and fonts, where none is installed",
    async () => {
      vi.stubEnv("BROWSER_PATH", "");
      vi.stubEnv("PATH", join(root, "test", "browser"));
      const { executablePath, env, origin } = await findBrowser(root);
      expect(origin).toBe("shipped");
      accessSync(executablePath, constants.X_OK);
      const [libraries = ""] = (env["LD_LIBRARY_PATH"] ?? "").split(delimiter);
      expect(existsSync(join(libraries, "libnss3.so"))).toBe(true);
      expect(existsSync(env["FONTCONFIG_FILE"] ?? "")).toBe(true);
    },
  );
});

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");

/** Blocks under `<!-- path -->`: copies of a file that runs. */
const copies = [...readme.matchAll(/<!-- (examples\/\S+) -->\n```\w+\n([\s\S]*?)```/g)].map(
  ([, path = "", text = ""]) => ({ path, text }),
);

describe("the README", () => {
  it("shows three examples", () => {
    expect(copies.map(({ path }) => path)).toEqual([
      "examples/connect.ts",
      "examples/subscribe.ts",
      "examples/pipeline.ts",
    ]);
  });

  it.each(copies)("shows $path as it is", ({ path, text }) => {
    expect(existsSync(join(ROOT, path))).toBe(true);
    expect(text.trim()).toBe(readFileSync(join(ROOT, path), "utf8").trim());
  });

  it("names every preset", async () => {
    const { PRESETS } = await import("../../server/training/presets.ts");
    const presets = readFileSync(join(ROOT, "docs", "presets.md"), "utf8");
    for (const { name } of PRESETS) {
      expect(readme).toContain(`(docs/presets.md#${name})`);
      expect(presets).toContain(`\n## ${name}\n`);
    }
  });
});

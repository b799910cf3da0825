import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { anchors, type Page, relativeLinks } from "./markdown.ts";

const ROOT = join(import.meta.dirname, "..", "..");

const pages: readonly Page[] = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name.replaceAll("\\", "/")}`),
].map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));

/** `docs/a.md:12: b.md#c`, for each link that leads nowhere. */
function deadLinks({ path, text }: Page): string[] {
  return relativeLinks(text)
    .filter(({ target }) => !leadsSomewhere(path, target))
    .map(({ target, line }) => `${path}:${line}: ${target}`);
}

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : posix.join(dirname(from), decodeURIComponent(file));
  if (path.startsWith("..") || !existsSync(join(ROOT, path))) return false;
  if (anchor === undefined || !path.endsWith(".md")) return true;
  return anchors(readFileSync(join(ROOT, path), "utf8")).has(anchor);
}

describe("the documentation", () => {
  it.each(pages.map((page) => [page.path, page] as const))("%s has no dead link", (_path, page) => {
    expect(deadLinks(page)).toEqual([]);
  });

  it("shows each of its pictures", () => {
    const shown = pages.flatMap(({ path, text }) =>
      relativeLinks(text).map(({ target }) => posix.join(dirname(path), target)),
    );
    const pictures = readdirSync(join(ROOT, "docs/images")).map((name) => `docs/images/${name}`);
    expect(pictures.filter((picture) => !shown.includes(picture))).toEqual([]);
  });
});

describe("the link check", () => {
  const deadIn = (text: string) => deadLinks({ path: "docs/some.md", text });

  it("finds a file, an anchor and an image that are not there", () => {
    expect(
      deadIn("[a](nowhere.md)\n\n[b](../README.md#no-such-heading) ![c](images/none.png) [d](#no-such)"),
    ).toEqual([
      "docs/some.md:1: nowhere.md",
      "docs/some.md:3: ../README.md#no-such-heading",
      "docs/some.md:3: images/none.png",
      "docs/some.md:3: #no-such",
    ]);
  });

  it("does not leave the repository", () => {
    expect(deadIn("[a](../../../etc/hostname)")).toHaveLength(1);
  });

  it("passes over addresses and code", () => {
    expect(deadIn("[a](https://example.org/x) `[b](nowhere.md)`\n```\n[c](nowhere.md)\n```\n")).toEqual([]);
  });

  it("makes anchors as GitHub does", () => {
    expect([
      ...anchors("# A `code` heading, with (marks)!\n## Twice\n## Twice\n```\n# not this\n```\n## λ₁ & η"),
    ]).toEqual(["a-code-heading-with-marks", "twice", "twice-1", "λ--η"]);
  });
});

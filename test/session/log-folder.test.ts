import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { expectWritable } from "../../server/session/log-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-folder-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("takes a folder, and one that could be made, without making it", async () => {
  await expectWritable(folder);
  await expectWritable(join(folder, "a", "b"));
  expect(await readdir(folder)).toEqual([]);
});

it("names the file that is in the way", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  for (const path of [file, join(file, "a"), join(file, "a", "b")])
    await expect(expectWritable(path)).rejects.toMatchObject({
      code: "not-found",
      message: `${file}: expected a folder, got a file`,
    });
});

it.skipIf(process.getuid?.() === 0 || process.platform === "win32")(
  "names the folder that must not be written to",
  async () => {
    const closed = join(folder, "closed");
    await mkdir(closed);
    await chmod(closed, 0o500);
    await expect(expectWritable(join(closed, "a"))).rejects.toMatchObject({
      code: "unreadable",
      message: `${closed}: permission denied`,
    });
  },
);

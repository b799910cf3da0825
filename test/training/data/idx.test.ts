import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readIdx } from "../../../server/training/data/idx.ts";
import { readIdxFolder } from "../../../server/training/data/idx-folder.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-idx-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Big-endian magic number and sizes, then the values. */
function idx(sizes: readonly number[], values: readonly number[], magic = 0x800 + sizes.length): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt32BE(magic, 0);
  sizes.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  return Buffer.concat([header, Buffer.from(values)]);
}

async function file(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe("readIdx", () => {
  it("reads sizes and bytes", async () => {
    const path = await file("whole", idx([2, 1, 3], [1, 2, 3, 4, 5, 6]));
    expect(await readIdx(path, 3)).toEqual({
      ok: true,
      shape: [2, 1, 3],
      bytes: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
  });

  it("says how many bytes a cut file should have", async () => {
    const path = await file("cut", idx([2, 1, 3], [1, 2, 3, 4]));
    expect(await readIdx(path, 3)).toEqual({
      ok: false,
      code: "dataset-cut",
      message: `cut: expected 22 bytes, found 20 (${path})`,
    });
  });

  it("takes a file that ends inside its header for cut", async () => {
    const path = await file("stump", Buffer.from([0, 0, 8]));
    expect(await readIdx(path, 1)).toMatchObject({ ok: false, code: "dataset-cut" });
  });

  it.each([
    ["a foreign magic number", idx([2], [1, 2], 0x803), 1 as const, "expected magic number 2049, found 2051"],
    ["bytes after the last value", idx([2], [1, 2, 3]), 1 as const, "expected 10 bytes, found 11"],
    ["sizes beyond memory", idx([2 ** 31, 2 ** 10, 2 ** 10], []), 3 as const, "expected at most"],
  ])("refuses %s", async (_case, bytes, rank, said) => {
    const result = await readIdx(await file("foreign", bytes), rank);
    expect(result).toMatchObject({ ok: false, code: "dataset-foreign" });
    expect(!result.ok && result.message).toContain(said);
  });

  it("names a file that is missing", async () => {
    const path = join(folder, "nowhere");
    expect(await readIdx(path, 1)).toEqual({
      ok: false,
      code: "dataset-missing",
      message: `nowhere: expected an IDX file at ${path}, found none (ENOENT)`,
    });
  });
});

describe("readIdxFolder", () => {
  const write = (images: Buffer, labels: Buffer) =>
    Promise.all([
      file("train-images-idx3-ubyte", images),
      file("train-labels-idx1-ubyte", labels),
      file("t10k-images-idx3-ubyte", idx([1, 1, 2], [255, 0])),
      file("t10k-labels-idx1-ubyte", idx([1], [2])),
    ]);

  it("scales pixels to [0, 1] and counts the classes of both splits", async () => {
    await write(idx([2, 1, 2], [0, 51, 102, 255]), idx([2], [0, 1]));
    const dataset = await readIdxFolder("idx:x", folder);
    const row = new Float32Array(3);
    dataset.train.write(1, row, 1);
    expect([...row]).toEqual([0, Math.fround(0.4), 1]);
    expect(dataset).toMatchObject({
      outputs: 3,
      exampleShape: [1, 2, 1],
      train: { size: 2 },
      test: { size: 1 },
    });
  });

  it("refuses images without a label each", async () => {
    await write(idx([2, 1, 2], [0, 51, 102, 255]), idx([1], [0]));
    await expect(readIdxFolder("idx:x", folder)).rejects.toMatchObject({
      name: "UserError",
      code: "dataset-foreign",
      message: `train-labels-idx1-ubyte: expected a label for each of 2 images, found 1 (${folder})`,
    });
  });
});

import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readFashionMnist } from "../../../server/training/data/fashion-mnist.ts";
import { readIdx } from "../../../server/training/data/idx.ts";

let folder = "";
const sha256: Record<string, string> = {};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-fashion-"));
  const pictures = idx([2, 2, 2], [0, 51, 102, 153, 204, 255, 0, 0]);
  const files = { "train-images-idx3": pictures, "t10k-images-idx3": pictures };
  const labels = { "train-labels-idx1": idx([2], [0, 9]), "t10k-labels-idx1": idx([2], [3, 4]) };
  for (const [name, bytes] of Object.entries({ ...files, ...labels })) {
    const packed = gzipSync(bytes);
    sha256[`${name}-ubyte.gz`] = createHash("sha256").update(packed).digest("hex");
    await writeFile(join(folder, `${name}-ubyte.gz`), packed);
  }
});
afterAll(() => rm(folder, { recursive: true }));

function idx(sizes: readonly number[], values: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt32BE(0x800 + sizes.length, 0);
  for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, Buffer.from(values)]);
}

it("reads the four compressed files when each has its checksum", async () => {
  const dataset = await readFashionMnist(`fashion-mnist:${folder}`, sha256);
  expect(dataset).toMatchObject({ outputs: 10, exampleShape: [2, 2, 1], scaling: "pixels / 255" });
  const picture = new Float32Array(4);
  dataset.train.write(0, picture, 0);
  expect([...picture]).toEqual([0, 51, 102, 153].map((pixel) => Math.fround(pixel / 255)));
});

it("refuses a file that is not the published one, and names both checksums", async () => {
  await expect(readFashionMnist(`fashion-mnist:${folder}`)).rejects.toMatchObject({
    code: "dataset-foreign",
    message: expect.stringContaining(
      `sha256 3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84, found ${sha256["train-images-idx3-ubyte.gz"]}`,
    ),
  });
});

it("says which files to put where", async () => {
  await expect(readFashionMnist("fashion-mnist:/nowhere")).rejects.toMatchObject({
    code: "dataset-missing",
    message: expect.stringMatching(
      /expected train-images-idx3-ubyte\.gz in \/nowhere.*zalandoresearch\/fashion-mnist/,
    ),
  });
});

it("stops reading a compressed file that holds more than its header says, and notices a cut one", async () => {
  const bomb = join(folder, "bomb");
  await writeFile(`${bomb}.gz`, gzipSync(Buffer.concat([idx([2], [1, 2]), Buffer.alloc(1_000_000)])));
  expect(await readIdx(bomb, 1)).toMatchObject({ ok: false, code: "dataset-foreign" });
  const cut = join(folder, "cut");
  await writeFile(`${cut}.gz`, gzipSync(idx([4], [1, 2, 3, 4])).subarray(0, -10));
  expect(await readIdx(cut, 1)).toMatchObject({ ok: false, code: "dataset-cut" });
});

/** Fashion-MNIST (Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747; MIT License): 70,000 pictures of clothes in the form of MNIST. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { UserError } from "../user-error.ts";
import type { Dataset } from "./dataset.ts";
import { IDX_FILES, readIdxFolder } from "./idx-folder.ts";

/** Where it is looked for when no folder is named, from where the command runs. */
const FOLDER = "data/fashion-mnist";

/** sha256 of the four files as they are published, compressed. */
export const FASHION_MNIST_SHA256: Readonly<Record<string, string>> = {
  "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
  "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
  "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
  "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
};

const FILES = Object.values(IDX_FILES).flatMap(({ images, labels }) => [`${images}.gz`, `${labels}.gz`]);

/**
 * The four files, each of which must be the published one. Nothing is downloaded.
 * @param name  "fashion-mnist", or "fashion-mnist:<folder>".
 * @throws {UserError} `dataset-missing` saying what to download and where to, `dataset-foreign` for a file with another checksum.
 */
export async function readFashionMnist(name: string, sha256 = FASHION_MNIST_SHA256): Promise<Dataset> {
  await expectFashionMnist(name);
  const folder = folderOf(name);
  for (const file of FILES) {
    const path = join(folder, file);
    const found = await sha256Of(path);
    if (found !== sha256[file]) {
      throw new UserError(
        "dataset-foreign",
        `${path}: expected the published file with sha256 ${sha256[file]}, found ${found}; other files in its form are idx:${folder}`,
      );
    }
  }
  return readIdxFolder(name, folder);
}

/** @throws {UserError} `dataset-missing`, unless all four files are there. Nothing of them is read. */
export async function expectFashionMnist(name: string): Promise<void> {
  const folder = folderOf(name);
  for (const file of FILES) {
    if (await exists(join(folder, file))) continue;
    throw new UserError(
      "dataset-missing",
      `${name}: expected ${file} in ${folder}, found none; put ${FILES.join(", ")} from https://github.com/zalandoresearch/fashion-mnist there (30 MB; nothing is downloaded by itself)`,
    );
  }
}

function folderOf(name: string): string {
  return name.slice("fashion-mnist:".length) || FOLDER;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

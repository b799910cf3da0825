import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csvRecords } from "../../../server/training/data/csv.ts";
import { readCsvDataset } from "../../../server/training/data/csv-dataset.ts";
import type { Dataset, Split } from "../../../server/training/data/dataset.ts";
import { readNpyDataset } from "../../../server/training/data/npy-dataset.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "thalweg-own-"));
});
afterAll(() => rm(folder, { recursive: true }));

function inputs({ exampleShape }: Dataset, split: Split): number[] {
  const stride = exampleShape.reduce((product, size) => product * size, 1);
  const all = new Float32Array(split.size * stride);
  for (let i = 0; i < split.size; i++) split.write(i, all, i * stride);
  return [...all];
}

describe("csvRecords", () => {
  it("gives back whatever has been quoted as RFC 4180 says", () => {
    const field = fc.string({ unit: fc.constantFrom("a", "1", ",", '"', "\n", "\r\n", " ") });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(field, field), { minLength: 1 }),
        fc.constantFrom("\n", "\r\n"),
        (rows, end) => {
          const text = rows
            .map((row) => row.map((each) => `"${each.replaceAll('"', '""')}"`).join(","))
            .join(end);
          expect([...csvRecords(text)].map(({ fields }) => fields)).toEqual(rows);
        },
      ),
    );
  });

  it("knows the line of each record, lines within quotes and empty ones counted", () => {
    expect([...csvRecords('\ufeffa,b\n"x\ny",1\r\n\n2,3')]).toEqual([
      { line: 1, fields: ["a", "b"] },
      { line: 2, fields: ["x\ny", "1"] },
      { line: 5, fields: ["2", "3"] },
    ]);
  });
});

describe("a CSV file", () => {
  async function read(
    text: string,
    { label = null, targets = null }: { label?: string | null; targets?: "classes" | "numbers" | null } = {},
    test?: string,
  ) {
    const path = join(folder, "data.csv");
    await writeFile(path, text);
    if (test === undefined) return readCsvDataset(`csv:${path}`, { label, targets });
    await writeFile(join(folder, "test.csv"), test);
    return readCsvDataset(`csv:${path},${join(folder, "test.csv")}`, { label, targets });
  }

  it("has its last column learned, names in the order of the alphabet", async () => {
    const dataset = await read("x,y,kind\n1,2,pear\n3,4e-1,apple\n5,-6,pear\n", {}, "x,y,kind\n7,8,apple\n");
    expect(dataset).toMatchObject({
      outputs: 2,
      exampleShape: [2],
      scaling: "columns x, y as they are, classes of kind: apple, pear",
    });
    expect([...(dataset.train.labels ?? [])]).toEqual([1, 0, 1]);
    expect(inputs(dataset, dataset.train)).toEqual([1, 2, 3, Math.fround(0.4), 5, -6]);
    expect([...(dataset.test?.labels ?? [])]).toEqual([0]);
  });

  it("has another column learned when it is named, whole numbers in their order", async () => {
    const dataset = await read("digit,x\n10,1\n9,2\n10,3\n", { label: "digit" });
    expect([...(dataset.train.labels ?? [])]).toEqual([1, 0, 1]);
    expect(inputs(dataset, dataset.train)).toEqual([1, 2, 3]);
  });

  it("has numbers learned where one has a fraction, or where that is said", async () => {
    const dataset = await read("x,y\n1,2\n3,4.5\n");
    expect(dataset).toMatchObject({ outputs: 1, scaling: "column x as they are, target y" });
    expect([...(dataset.train.targets ?? [])]).toEqual([2, 4.5]);
    expect((await read("x,y\n1,2\n3,4\n")).train.targets).toBeNull();
    expect([...((await read("x,y\n1,2\n3,4\n", { targets: "numbers" })).train.targets ?? [])]).toEqual([
      2, 4,
    ]);
  });

  it("may have columns that are counted, as a data frame without names has them", async () => {
    const dataset = await read("0,1,kind\n5,6,a\n7,8,b\n");
    expect(inputs(dataset, dataset.train)).toEqual([5, 6, 7, 8]);
  });

  const headless = "data.csv: line 1: expected a header with the names of columns, found an example";
  it.each([
    ["x,y\n1,a\nz,b\n", {}, 'data.csv: line 3, column 1 (x): expected a number, found "z"'],
    ["x,y\n1,a\n,b\n", {}, "data.csv: line 3, column 1 (x): expected a number, found nothing"],
    ["x,y\n1,a\n1e99,b\n", {}, 'data.csv: line 3, column 1 (x): expected a number, found "1e99"'],
    ["x,y\n1,a\n2\n", {}, "data.csv: line 3: expected 2 columns as in the header, found 1"],
    ["x,y\n1,a\n2,\n", {}, "data.csv: line 3, column 2 (y): expected a class, found nothing"],
    ["x,y\n1,a\n2,a\n", {}, "data.csv: column 2 (y): expected 2 to 1000 classes, found 1"],
    [
      "x,y\n1,1.5\n2,a\n",
      { targets: "numbers" },
      'data.csv: line 3, column 2 (y): expected a number, found "a"',
    ],
    [
      "x,kind\n1,a\n2,b\n",
      { label: "knd" },
      "data.csv: line 1: expected the column knd of --label, found x, kind; did you mean kind?",
    ],
    ["1,2\n3,4\n", {}, headless],
    ["5.1,3.5,setosa\n4.9,3,other\n6,2,other\n", {}, headless],
    ["a,5.1\nb,4.9\n", { label: "a" }, headless],
    ["0,1,yes\n1,1,no\n1,0,yes\n", {}, headless],
    ["x,x,y\n1,2,a\n3,4,b\n", {}, 'data.csv: line 1: expected each name of a column once, found "x" twice'],
    ["x;y\n1;a\n", {}, "data.csv: line 1: expected two columns or more, separated by commas, found 1"],
    ['x,y\n1,"a\n', {}, "data.csv: line 2: expected the end of a quoted field, found none"],
    ["x,y\n", {}, "data.csv: expected a line for each example after the header, found none"],
    ["", {}, "data.csv: line 1: expected a header with the names of columns, found nothing"],
  ] as const)("%j is refused where the fault is", async (text, options, message) => {
    await expect(read(text, options)).rejects.toMatchObject({
      name: "UserError",
      code: "dataset-foreign",
      message,
    });
  });

  it("of test examples may have no class that training has not", async () => {
    await expect(read("x,y\n1,a\n2,b\n", {}, "x,y\n3,c\n")).rejects.toMatchObject({
      message: 'test.csv: line 2, column 2 (y): expected one of a, b, found "c"',
    });
  });
});

describe(".npy files", () => {
  function npy(dtype: string, shape: readonly number[], bytes: Uint8Array, order = "False"): Buffer {
    const text = `{'descr': '${dtype}', 'fortran_order': ${order}, 'shape': (${shape.join(", ")},), }\n`;
    const length = Buffer.alloc(2);
    length.writeUInt16LE(text.length);
    return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), length, Buffer.from(text), bytes]);
  }
  const bytesOf = (values: ArrayBufferView) => new Uint8Array(values.buffer);
  async function read(x: Buffer, y: Buffer, targets: "classes" | "numbers" | null = null) {
    await writeFile(join(folder, "x.npy"), x);
    await writeFile(join(folder, "y.npy"), y);
    return readNpyDataset(`npy:${join(folder, "x.npy")},${join(folder, "y.npy")}`, targets);
  }
  const x = npy("<f8", [2, 3], bytesOf(Float64Array.of(1, 2, 3, 4, 5, 0.1)));

  it("hold examples in doubles and classes in NumPy's whole numbers", async () => {
    const dataset = await read(x, npy("<i8", [2], bytesOf(BigInt64Array.of(2n, 0n))));
    expect(dataset).toMatchObject({ outputs: 3, exampleShape: [3], scaling: "<f8 as they are, 3 classes" });
    expect([...(dataset.train.labels ?? [])]).toEqual([2, 0]);
    expect(inputs(dataset, dataset.train)).toEqual([1, 2, 3, 4, 5, Math.fround(0.1)]);
  });

  it("hold pictures in bytes, and numbers to learn or one-hot classes in floats", async () => {
    const pictures = npy("|u1", [2, 2, 1], Uint8Array.of(0, 255, 51, 102));
    const numbers = await read(pictures, npy("<f4", [2, 2], bytesOf(Float32Array.of(1, 0, 0.5, 0.5))));
    expect(numbers).toMatchObject({
      outputs: 2,
      exampleShape: [2, 1],
      scaling: "bytes / 255, 2 numbers to learn",
    });
    expect(inputs(numbers, numbers.train)).toEqual([0, 1, Math.fround(0.2), Math.fround(0.4)]);
    expect([...(numbers.train.targets ?? [])]).toEqual([1, 0, 0.5, 0.5]);
    const oneHot = await read(pictures, npy("<f4", [2, 2], bytesOf(Float32Array.of(0, 1, 1, 0))));
    expect([...(oneHot.train.labels ?? [])]).toEqual([1, 0]);
    const forced = await read(pictures, npy("|u1", [2], Uint8Array.of(7, 3)), "numbers");
    expect([...(forced.train.targets ?? [])]).toEqual([7, 3]);
  });

  const y = npy("|u1", [2], Uint8Array.of(0, 1));
  it.each([
    [
      "a type it does not know",
      npy("<f2", [2, 1], new Uint8Array(4)),
      y,
      /x\.npy: expected one of the types <f4, .*, found <f2$/,
    ],
    ["big-endian numbers", npy(">f4", [2, 1], new Uint8Array(8)), y, /found >f4$/],
    [
      "columns first",
      npy("<f4", [2, 1], new Uint8Array(8), "True"),
      y,
      /expected C order, found Fortran order$/,
    ],
    [
      "fewer bytes than it says",
      npy("<f4", [2, 9], new Uint8Array(8)),
      y,
      /expected \d+ bytes for shape \(2, 9\), found \d+$/,
    ],
    [
      "a shape beyond memory",
      npy("<f4", [2 ** 20, 2 ** 20], new Uint8Array(8)),
      y,
      /expected at most 268435456 numbers, found 1099511627776$/,
    ],
    [
      "other bytes",
      Buffer.from("these are no numbers"),
      y,
      /x\.npy: expected a NumPy file, found other bytes$/,
    ],
    [
      "another count of labels",
      x,
      npy("|u1", [3], new Uint8Array(3)),
      /y\.npy: expected shape \(2\) or \(2, outputs\), as many as in x\.npy, found \(3\)$/,
    ],
    [
      "NaN",
      npy("<f4", [2, 1], bytesOf(Float32Array.of(0, Number.NaN))),
      y,
      /x\.npy: expected finite numbers, found NaN at index 1$/,
    ],
    [
      "a negative class",
      x,
      npy("|i1", [2], bytesOf(Int8Array.of(0, -1))),
      /found -1 at index 1; with --targets numbers they are numbers to be learned$/,
    ],
  ])("with %s are refused", async (_case, xFile, yFile, message) => {
    await expect(read(xFile, yFile)).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringMatching(message),
    });
  });
});

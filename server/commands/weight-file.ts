/** θ from a file beside a network: NumPy's .npy, or .safetensors. Sizes are checked before memory is taken. */
import { open } from "node:fs/promises";
import { extname } from "node:path";
import type { Parameter } from "../../shared/header.ts";
import { readNpy } from "../training/data/npy.ts";
import { UserError } from "../training/user-error.ts";

const KINDS: readonly string[] = [".npy", ".safetensors"];
/** Of the part that describes the numbers: longer ones describe something else. */
const LONGEST_HEADER = 2 ** 20;

export function isWeightFile(path: string): boolean {
  return KINDS.includes(extname(path));
}

/** @throws {UserError} `weights-missing`, `weights-foreign`, `weights-size`. */
export async function readWeightFile(
  path: string,
  parameters: readonly Parameter[],
  parameterCount: number,
): Promise<Float32Array> {
  const theta =
    extname(path) === ".npy"
      ? await readArray(path, parameterCount)
      : readSafetensors(
          await readBounded(path, 8 * parameterCount + LONGEST_HEADER),
          path,
          parameters,
          parameterCount,
        );
  if (theta.length !== parameterCount)
    throw new UserError("weights-size", `${path}: expected ${parameterCount} weights, found ${theta.length}`);
  const bad = theta.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new UserError("weights-foreign", `${path}: expected finite weights, found ${theta[bad]} at ${bad}`);
  return theta;
}

/** Float32 or float64, of any shape. */
async function readArray(path: string, parameterCount: number): Promise<Float32Array> {
  const { dtype, values } = await readNpy(path, { mostValues: parameterCount, kind: "weights" });
  if (dtype !== "<f4" && dtype !== "<f8") throw foreign(path, "<f4 or <f8", dtype);
  return Float32Array.from(values);
}

async function readBounded(path: string, most: number): Promise<Buffer> {
  const file = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw new UserError("weights-missing", `${path} cannot be read (${cause.code})`);
  });
  try {
    const { size } = await file.stat();
    if (size > most)
      throw new UserError(
        "weights-size",
        `${path}: expected at most ${most} bytes for this network, found ${size}`,
      );
    return await file.readFile();
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      "weights-missing",
      `${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
    );
  } finally {
    await file.close();
  }
}

interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Either one tensor for each parameter, by its name, or a single one with all of θ. */
function readSafetensors(
  bytes: Buffer,
  path: string,
  parameters: readonly Parameter[],
  parameterCount: number,
): Float32Array {
  const length = bytes.length < 8 ? Number.POSITIVE_INFINITY : Number(bytes.readBigUInt64LE(0));
  if (length > Math.min(LONGEST_HEADER, bytes.length - 8))
    throw foreign(path, "a safetensors file", "other bytes");
  const { __metadata__: _, ...tensors } = parsed(bytes.toString("utf8", 8, 8 + length), path);
  const names = Object.keys(tensors);
  const read = (name: string) => {
    const { dtype, data_offsets, shape } = tensors[name] as Tensor;
    const count = shape.reduce((product, size) => product * size, 1);
    return floats(bytes, path, dtype, 8 + length + data_offsets[0], count);
  };
  if (names.length === 1) return read(names[0] as string);
  const theta = new Float32Array(parameterCount);
  for (const { name, shape, offset } of parameters) {
    const found = names.find((each) => each === name || each.replaceAll(".", "/") === name);
    if (found === undefined) throw foreign(path, `a tensor ${name}`, names.join(", "));
    const given = (tensors[found] as Tensor).shape;
    if (given.join() !== shape.join())
      throw new UserError(
        "weights-size",
        `${path}: ${found}: expected shape [${shape.join(", ")}], found [${given.join(", ")}]`,
      );
    theta.set(read(found), offset);
  }
  return theta;
}

function parsed(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    const isTensor = (each: unknown) => Array.isArray((each as Tensor | null)?.data_offsets);
    const entries = Object.entries(value as Record<string, unknown>).filter(
      ([name]) => name !== "__metadata__",
    );
    if (entries.length > 0 && entries.every(([, each]) => isTensor(each))) return Object.fromEntries(entries);
  } catch {
    // Said below.
  }
  throw foreign(path, "a safetensors file", "no list of tensors");
}

function floats(bytes: Buffer, path: string, type: string, start: number, count: number): Float32Array {
  if (type !== "F32" && type !== "F64") throw foreign(path, "F32 or F64", type);
  const width = type === "F32" ? 4 : 8;
  if (start + width * count > bytes.length)
    throw foreign(path, `${start + width * count} bytes`, `${bytes.length}`);
  return Float32Array.from({ length: count }, (_, i) =>
    width === 4 ? bytes.readFloatLE(start + 4 * i) : bytes.readDoubleLE(start + 8 * i),
  );
}

function foreign(path: string, expected: string, found: string): UserError {
  return new UserError("weights-foreign", `${path}: expected ${expected}, found ${found}`);
}

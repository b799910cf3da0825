/** Arrays in NumPy's .npy format (numpy.lib.format), versions 1 to 3. */
import { open } from "node:fs/promises";
import { UserError } from "../user-error.ts";

export interface NpyArray {
  readonly shape: readonly number[];
  /** As NumPy names it: "<f4". */
  readonly dtype: string;
  /** Row-major, as they are stored. */
  readonly values: ArrayLike<number>;
}

/** Of the part that describes the numbers: longer ones describe something else. */
const LONGEST_HEADER = 2 ** 20;

const VIEWS: Readonly<Record<string, new (buffer: ArrayBuffer) => ArrayLike<number>>> = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "|b1": Uint8Array,
  "|u1": Uint8Array,
  "|i1": Int8Array,
  "<u2": Uint16Array,
  "<i2": Int16Array,
  "<u4": Uint32Array,
  "<i4": Int32Array,
};

/** float16 and big-endian are none of them; int64 is NumPy's usual whole number. */
const WIDE: Readonly<Record<string, new (buffer: ArrayBuffer) => ArrayLike<bigint>>> = {
  "<i8": BigInt64Array,
  "<u8": BigUint64Array,
};

export interface NpyOptions {
  /** Most numbers that may be in it: checked before memory is taken. */
  readonly mostValues: number;
  /** Of what the message speaks when the file cannot be used: "dataset" or "weights". */
  readonly kind: "dataset" | "weights";
}

/**
 * The whole file, which must be exactly as long as its header says.
 * @throws {UserError} `<kind>-missing`, `<kind>-foreign`, `<kind>-size`; the message begins with the path.
 */
export async function readNpy(path: string, { mostValues, kind }: NpyOptions): Promise<NpyArray> {
  const foreign = (expected: string, found: string) =>
    new UserError(`${kind}-foreign`, `${path}: expected ${expected}, found ${found}`);
  const file = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw new UserError(`${kind}-missing`, `${path} cannot be read (${cause.code})`);
  });
  try {
    const { size } = await file.stat();
    const read = async (from: number, length: number) => {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, from + filled);
        if (bytesRead === 0) throw foreign(`${from + length} bytes`, `${from + filled}`);
        filled += bytesRead;
      }
      return Buffer.from(bytes.buffer);
    };
    const start = size < 12 ? null : await read(0, 12);
    if (start?.toString("latin1", 0, 6) !== "\x93NUMPY") throw foreign("a NumPy file", "other bytes");
    const from = start[6] === 1 ? 10 : 12;
    const length = start[6] === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
    if (length > Math.min(LONGEST_HEADER, size - from)) throw foreign("a NumPy file", "other bytes");
    const description = (await read(from, length)).toString("latin1");
    const dtype = /'descr':\s*'([^']*)'/.exec(description)?.[1] ?? "no type";
    const view = VIEWS[dtype] ?? WIDE[dtype];
    if (view === undefined) {
      const names = [...Object.keys(VIEWS), ...Object.keys(WIDE)].join(", ");
      throw foreign(`one of the types ${names}`, dtype);
    }
    if (!/'fortran_order':\s*False/.test(description)) throw foreign("C order", "Fortran order");
    const sizes = /'shape':\s*\(([^)]*)\)/.exec(description)?.[1];
    if (sizes === undefined) throw foreign("a shape", "none");
    const shape = (sizes.match(/\d+/g) ?? []).map(Number);
    const count = shape.reduce((product, each) => product * each, 1);
    if (count > mostValues) {
      // θ has as many as its network asks for, which is what the next look would say.
      const expected = kind === "weights" ? `${mostValues} weights` : `at most ${mostValues} numbers`;
      throw new UserError(`${kind}-size`, `${path}: expected ${expected}, found ${count}`);
    }
    const width = dtype === "|b1" ? 1 : Number(dtype.slice(2));
    const expected = from + length + width * count;
    if (size !== expected) throw foreign(`${expected} bytes for shape (${shape.join(", ")})`, `${size}`);
    const { buffer } = await read(from + length, width * count);
    const values = new view(buffer);
    return {
      shape,
      dtype,
      values: dtype in WIDE ? Float64Array.from(values, Number) : (values as ArrayLike<number>),
    };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (cause instanceof UserError || code === undefined) throw cause;
    throw new UserError(`${kind}-missing`, `${path} cannot be read (${code ?? message})`);
  } finally {
    await file.close();
  }
}

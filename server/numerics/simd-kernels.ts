/**
 * The inner loops of Gram–Schmidt in SIMD instructions, which JavaScript has not: float64 arithmetic on float32 vectors, four times as
 * fast as the same loops in it. They are short enough to be assembled here. Opcodes are those of the WebAssembly Core Specification 2.0, §5.4.
 */

/** Vectors that a kernel takes at once, at most: so many, that each element of w is loaded once for four of the basis. */
export const WIDTH = 4;
/** Elements that a turn of a loop takes: lengths must be multiples of it. */
export const LANES = 4;

/** On vectors q, each `stride` bytes after the one before. Addresses are in bytes; `end` is where the first of the vectors ends. */
export type Kernel = (q: number, end: number, stride: number, w: number, coefficients: number) => void;

export interface Kernels {
  /** By the number of vectors, from 1 to {@link WIDTH}: coefficients[i] += qᵢᵀw. */
  readonly addDots: readonly (Kernel | undefined)[];
  /** The same: w −= Σᵢ coefficients[i]·qᵢ. */
  readonly subtract: readonly (Kernel | undefined)[];
  /** coefficients[0] += wᵀw, over as many elements as the vector has. */
  readonly addSquares: Kernel;
  /** q ← coefficients[0]·w, rounded to float32. */
  readonly scaleInto: Kernel;
}

export interface Memory {
  readonly buffer: ArrayBuffer;
}

/** Zeros, which cost nothing before they are touched. @throws {RangeError} when there are not as many bytes. */
export function memoryOf(bytes: number): Memory {
  return new wasm.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
}

export function kernelsOn(memory: Memory): Kernels {
  compiled ??= new wasm.Module(
    moduleOf([...WIDTHS.map(addDotsBody), ...WIDTHS.map(subtractBody), addSquaresBody(), scaleIntoBody()]),
  );
  const { exports } = new wasm.Instance(compiled, { "": { "": memory } });
  const kernels = Object.values(exports) as Kernel[];
  return {
    addDots: [undefined, ...kernels.slice(0, WIDTH)],
    subtract: [undefined, ...kernels.slice(WIDTH, 2 * WIDTH)],
    addSquares: kernels[2 * WIDTH] as Kernel,
    scaleInto: kernels[2 * WIDTH + 1] as Kernel,
  };
}

const WIDTHS = Array.from({ length: WIDTH }, (_, i) => i + 1);
const PAGE_BYTES = 65_536;

/** What is used of the API here; TypeScript has it among the types of browsers only. */
interface WebAssemblyApi {
  readonly Memory: new (size: { readonly initial: number }) => Memory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, Memory>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}
const wasm = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

let compiled: object | null = null;

type Code = readonly (number | Code)[];

interface Assembled {
  /** Locals of type v128, behind those for addresses. */
  readonly vectors: number;
  readonly body: Code;
}

/** The parameters of a {@link Kernel}; then the addresses of the vectors but the first, which is in Q; then vectors. */
const [Q, END, STRIDE, W, C] = [0, 1, 2, 3, 4] as const;
const PARAMETERS = 5;
const ADDRESSES = WIDTH - 1;
/** The local with vector i's address. */
const q = (i: number) => (i === 0 ? Q : PARAMETERS + i - 1);
/** The local with two float64 of vector i. */
const x = (i: number) => PARAMETERS + ADDRESSES + i;

function addDotsBody(width: number): Assembled {
  const [low, high] = [x(width), x(width + 1)];
  const accumulate = (i: number, at: number, w: number) => [
    [get(x(i)), float64sAt(q(i), at), get(w), MULTIPLY, ADD, set(x(i))],
  ];
  return {
    vectors: width + 2,
    body: [
      loop(width, [
        [get(W), load(0), set(low), get(W), load(16), set(high)],
        each(width, (i) => [accumulate(i, 0, low), accumulate(i, 8, high)]),
      ]),
      each(width, (i) => addLanes(x(i), 8 * i)),
    ],
  };
}

function subtractBody(width: number): Assembled {
  const half = (at: number) => [
    [get(W), get(W), load(2 * at)],
    each(width, (i) => [float64sAt(q(i), at), get(x(i)), MULTIPLY, SUBTRACT]),
    store(2 * at),
  ];
  return {
    vectors: width,
    body: [
      each(width, (i) => [get(C), scalarLoad(8 * i), SPLAT, set(x(i))]),
      loop(width, [half(0), half(8)]),
    ],
  };
}

function addSquaresBody(): Assembled {
  const [low, high, w] = [x(0), x(1), x(2)];
  const accumulate = (sum: number, at: number) => [
    [get(W), load(at), set(w)],
    [get(sum), get(w), get(w), MULTIPLY, ADD, set(sum)],
  ];
  return {
    vectors: 3,
    body: [
      loop(1, [accumulate(low, 0), accumulate(high, 16)]),
      [get(low), get(high), ADD, set(low), addLanes(low, 0)],
    ],
  };
}

function scaleIntoBody(): Assembled {
  const half = (at: number) => [[get(Q), get(W), load(2 * at), get(x(0)), MULTIPLY, FLOAT32S], storeHalf(at)];
  return {
    vectors: 1,
    body: [get(C), scalarLoad(0), SPLAT, set(x(0)), loop(1, [half(0), half(8)])],
  };
}

const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
const ADD_ADDRESS: Code = [0x6a];
const constant = (value: number): Code => [0x41, value];
const scalarLoad = (offset: number): Code => [0x2b, 3, offset];
const scalarStore = (offset: number): Code => [0x39, 3, offset];
const SCALAR_ADD: Code = [0xa0];
const IS_BELOW: Code = [0x49];
const BRANCH: Code = [0x0d];
const simd = (opcode: number, ...immediates: number[]): Code => [0xfd, unsigned(opcode), immediates];
const load = (offset: number): Code => simd(0x00, 3, offset);
const store = (offset: number): Code => simd(0x0b, 3, offset);
const SPLAT = simd(0x14);
const lane = (index: number): Code => simd(0x21, index);
const ADD = simd(0xf0);
const SUBTRACT = simd(0xf1);
const MULTIPLY = simd(0xf2);
/** Two float32, widened. */
const float64sAt = (address: number, offset: number): Code => [
  get(address),
  simd(0x5d, 2, offset),
  simd(0x5f),
];

/** The first two numbers as float32, in the lower half. */
const FLOAT32S = simd(0x5e);
/** The lower half. */
const storeHalf = (offset: number): Code => simd(0x5b, 3, offset, 0);
/** Both numbers of a vector, added to what lies so many bytes behind the first coefficient. */
const addLanes = (vector: number, offset: number): Code => [
  [get(C), get(C), scalarLoad(offset)],
  [get(vector), lane(0), get(vector), lane(1), SCALAR_ADD, SCALAR_ADD, scalarStore(offset)],
];

const each = (count: number, code: (i: number) => Code): Code =>
  Array.from({ length: count }, (_, i) => code(i));

/** Over all elements of so many vectors, until the first ends. */
function loop(width: number, body: Code): Code {
  const advance = (local: number, bytes: number) => [get(local), constant(bytes), ADD_ADDRESS, set(local)];
  return [
    each(width, (i) => (i === 0 ? [] : [get(q(i - 1)), get(STRIDE), ADD_ADDRESS, set(q(i))])),
    [0x03, 0x40],
    body,
    [each(width, (i) => advance(q(i), 4 * LANES)), advance(W, 8 * LANES)],
    [get(Q), get(END), IS_BELOW, BRANCH, 0, 0x0b],
  ];
}

/** A module that imports a memory, and exports its functions in order, each with a letter for a name. */
function moduleOf(functions: readonly Assembled[]): Uint8Array {
  const I32 = 0x7f;
  const V128 = 0x7b;
  const numbers = functions.map((_, i) => i);
  return Uint8Array.from(
    flat([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, list([[0x60, list(new Array(PARAMETERS).fill(I32)), 0]])),
      section(2, list([[0, 0, 2, 0, 0]])),
      section(3, list(numbers.map(() => 0))),
      section(7, list(numbers.map((i) => [1, 0x41 + i, 0, i]))),
      section(
        10,
        list(
          functions.map(({ vectors, body }) =>
            sized([
              list([
                [ADDRESSES, I32],
                [vectors, V128],
              ]),
              body,
              0x0b,
            ]),
          ),
        ),
      ),
    ]),
  );
}

const section = (id: number, content: Code): Code => [id, sized(content)];
const list = (items: Code): Code => [unsigned(items.length), items];

function sized(content: Code): Code {
  const bytes = flat(content);
  return [unsigned(bytes.length), bytes];
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, unsigned(value >>> 7)];
}

function flat(code: Code): number[] {
  return code.flatMap((each) => (typeof each === "number" ? each : flat(each)));
}

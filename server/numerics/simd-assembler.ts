/**
 * Functions that loop over vectors with WebAssembly's SIMD instructions, which JavaScript has not. They are short enough to be assembled
 * here. Opcodes are those of the WebAssembly Core Specification 2.0, §5.4.
 */

/** Elements that a turn of a loop takes: lengths must be multiples of it. */
export const LANES = 4;
/** Vectors that a loop walks along at once, at most. */
export const MOST_VECTORS = 4;

export interface Memory {
  readonly buffer: ArrayBuffer;
}

/** Zeros, which cost nothing before they are touched. @throws {RangeError} when there are not as many bytes. */
export function memoryOf(bytes: number): Memory {
  return new wasm.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
}

/** On vectors q, each `stride` bytes after the one before. Addresses are in bytes; `end` is where the first of the vectors ends. */
export type Kernel = (q: number, end: number, stride: number, w: number, coefficients: number) => void;

export type Code = readonly (number | Code)[];

export interface Assembled {
  /** Locals of type v128, behind those for addresses. */
  readonly vectors: number;
  readonly body: Code;
}

/** These functions, in their order, on any memory: assembled when first asked for. */
export function assembled(functions: () => readonly Assembled[]): (memory: Memory) => Kernel[] {
  let module: object | null = null;
  return (memory) => {
    module ??= new wasm.Module(moduleOf(functions()));
    return Object.values(new wasm.Instance(module, { "": { "": memory } }).exports) as Kernel[];
  };
}

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

/** The parameters of a {@link Kernel}; then the addresses of the vectors but the first, which is in Q; then vectors. */
export const [Q, END, STRIDE, W, C] = [0, 1, 2, 3, 4] as const;
const PARAMETERS = 5;
const ADDRESSES = MOST_VECTORS - 1;
/** The local with vector i's address. */
export const q = (i: number) => (i === 0 ? Q : PARAMETERS + i - 1);
/** Locals for two float64 each. */
export const x = (i: number) => PARAMETERS + ADDRESSES + i;

export const get = (local: number): Code => [0x20, local];
export const set = (local: number): Code => [0x21, local];
const ADD_ADDRESS: Code = [0x6a];
const constant = (value: number): Code => [0x41, value];
export const scalarLoad = (offset: number): Code => [0x2b, 3, offset];
const scalarStore = (offset: number): Code => [0x39, 3, offset];
const SCALAR_ADD: Code = [0xa0];
const IS_BELOW: Code = [0x49];
const BRANCH: Code = [0x0d];
const simd = (opcode: number, ...immediates: number[]): Code => [0xfd, unsigned(opcode), immediates];
export const load = (offset: number): Code => simd(0x00, 3, offset);
export const store = (offset: number): Code => simd(0x0b, 3, offset);
export const SPLAT = simd(0x14);
const lane = (index: number): Code => simd(0x21, index);
export const ADD = simd(0xf0);
export const SUBTRACT = simd(0xf1);
export const MULTIPLY = simd(0xf2);
/** Of two float32 in the lower half, two float64. */
export const WIDEN = simd(0x5f);
/** Two float32 at the address, widened. */
export const float64sAt = (address: number, offset: number): Code => [
  get(address),
  simd(0x5d, 2, offset),
  WIDEN,
];
/** The first two numbers as float32, in the lower half. */
export const FLOAT32S = simd(0x5e);
/** The lower half. */
export const storeHalf = (offset: number): Code => simd(0x5b, 3, offset, 0);
/** Both numbers of a vector, added to what lies so many bytes behind the first coefficient. */
export const addLanes = (vector: number, offset: number): Code => [
  [get(C), get(C), scalarLoad(offset)],
  [get(vector), lane(0), get(vector), lane(1), SCALAR_ADD, SCALAR_ADD, scalarStore(offset)],
];

export const each = (count: number, code: (i: number) => Code): Code =>
  Array.from({ length: count }, (_, i) => code(i));

/** Over all elements of so many vectors, until the first ends; w has elements of so many bytes. */
export function loop(vectors: number, body: Code, elementOfW: 4 | 8 = 8): Code {
  const advance = (local: number, bytes: number) => [get(local), constant(bytes), ADD_ADDRESS, set(local)];
  return [
    each(vectors, (i) => (i === 0 ? [] : [get(q(i - 1)), get(STRIDE), ADD_ADDRESS, set(q(i))])),
    [0x03, 0x40],
    body,
    [each(vectors, (i) => advance(q(i), 4 * LANES)), advance(W, elementOfW * LANES)],
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

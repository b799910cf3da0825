/** zstd, level 1: Node's own where it has one (22.15 and later), WebAssembly elsewhere. Frames of either are read by both. */
import * as zlib from "node:zlib";

interface Zstd {
  compress(bytes: Uint8Array): Uint8Array;
  /** Throws unless the frame holds exactly `size` bytes; allocates no more than that. */
  decompress(frame: Uint8Array, size: number): Uint8Array;
}

const LEVEL = 1;

/** The part of node:zlib that Node 20, and its types, lack. */
interface NativeZstd {
  readonly zstdCompressSync: (bytes: Uint8Array, options: { params: Record<number, number> }) => Uint8Array;
  readonly zstdDecompressSync: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

function nativeZstd(): Zstd | null {
  if (!("zstdCompressSync" in zlib)) return null;
  const native = zlib as unknown as NativeZstd;
  const params = { [native.constants.ZSTD_c_compressionLevel]: LEVEL };
  return {
    compress: (bytes) => native.zstdCompressSync(bytes, { params }),
    decompress: (frame, size) =>
      checked(native.zstdDecompressSync(frame, { maxOutputLength: Math.max(1, size) }), size),
  };
}

async function wasmZstd(): Promise<Zstd> {
  const { default: wasm } = await import("@foxglove/wasm-zstd");
  await wasm.isLoaded;
  return {
    compress: (bytes) => wasm.compress(bytes, LEVEL),
    decompress: (frame, size) => checked(wasm.decompress(frame, size), size),
  };
}

function checked(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.byteLength !== size)
    throw new RangeError(`zstd frame: expected ${size} bytes, got ${bytes.byteLength}`);
  return bytes;
}

export const zstd: Zstd = nativeZstd() ?? (await wasmZstd());

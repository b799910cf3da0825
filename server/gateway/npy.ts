/** A vector as a NumPy file, version 1.0: numpy.lib.format. */

const ALIGNMENT = 64;

export function encodeNpy(vector: Float32Array): Buffer {
  const description = `{'descr': '<f4', 'fortran_order': False, 'shape': (${vector.length},), }`;
  const prefixBytes = 10;
  const unpadded = prefixBytes + description.length + 1;
  const headerBytes = Math.ceil(unpadded / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(headerBytes, " ");
  header.write("\x93NUMPY\x01\x00", "latin1");
  header.writeUInt16LE(headerBytes - prefixBytes, 8);
  header.write(description, prefixBytes, "latin1");
  header.write("\n", headerBytes - 1, "latin1");
  return Buffer.concat([header, bytesOf(vector)]);
}

/** The vector's own memory, little-endian like every machine that Node runs tfjs on. */
export function bytesOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

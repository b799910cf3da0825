/** What a sample may carry, and how numbers that JSON cannot write travel. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON value, a vector of float32, or opaque bytes: the three encodings of a channel. */
export type Value = Json | Float32Array | Uint8Array;

/**
 * JSON text of a sample's value. NaN and ±∞ travel as the strings "NaN", "Infinity", "-Infinity".
 * -0 travels as 0, live and recorded alike.
 */
export function encodeValue(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "number" && !Number.isFinite(inner) ? String(inner) : inner,
  );
}

/** The inverse of {@link encodeValue}; also accepts values that JSON.parse has already read. */
export function decodeValue(value: Json): Json {
  switch (value) {
    case "NaN":
      return Number.NaN;
    case "Infinity":
      return Number.POSITIVE_INFINITY;
    case "-Infinity":
      return Number.NEGATIVE_INFINITY;
    default:
  }
  if (Array.isArray(value)) return value.map(decodeValue);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decodeValue(inner)]));
  }
  return value;
}

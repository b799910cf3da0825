/** Seeded random numbers: the same seed and label give the same numbers on every machine and thread. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/** A generator's position: plain data, to be stored and handed to {@link Random.restore}. */
export interface RandomState {
  /** 128 bits, as four int32. */
  readonly generator: readonly number[];
  /** Normals come in pairs; the second of a pair that is half used. */
  readonly spareNormal: number | null;
}

const SIGNS_PER_DRAW = 24;

export interface Random {
  /** In [0, 1), 53 bits. */
  uniform(): number;
  /** Standard normal, by Box and Muller. */
  normal(): number;
  /** In 0 … n − 1. @throws {RangeError} unless 1 ≤ n ≤ 2³². */
  integer(n: number): number;
  /** In place, by Fisher and Yates; returns its argument. */
  shuffle<T extends { readonly length: number; [index: number]: number }>(items: T): T;
  /** Fills with `scale` times standard normals; returns its argument. */
  fillNormal(out: Float32Array, scale?: number): Float32Array;
  /** Fills with 1 and −1, each as likely; returns its argument. */
  fillSigns(out: Float32Array): Float32Array;
  /**
   * An independent generator, from this one's seed and the label alone: how many numbers were drawn before does not matter,
   * so that adding a consumer changes nobody else's numbers.
   */
  stream(label: string | number): Random;
  state(): RandomState;
  /** @throws {RangeError} if the state is not four int32. */
  restore(state: RandomState): void;
}

/**
 * xoroshiro128+ (pure-rand), seeded through a hash, so that neighbouring seeds have nothing in common.
 *
 * @throws {RangeError} unless the seed is a safe integer.
 */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: expected an integer, got ${seed}`);
  return seeded([seed | 0, Math.floor(seed / 2 ** 32) | 0]);
}

function seeded(key: readonly number[]): Random {
  let generator = xoroshiro128plusFromState(spread(key));
  let spareNormal: number | null = null;

  const random: Random = {
    uniform: () => uniformFloat64(generator),
    normal() {
      if (spareNormal !== null) {
        const spare = spareNormal;
        spareNormal = null;
        return spare;
      }
      // 1 − u is in (0, 1]: the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator)));
      const angle = 2 * Math.PI * uniformFloat64(generator);
      spareNormal = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    integer(n) {
      if (!Number.isInteger(n) || n < 1 || n > 2 ** 32)
        throw new RangeError(`n: expected an integer from 1 to 2^32, got ${n}`);
      return uniformInt(generator, 0, n - 1);
    },
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = uniformInt(generator, 0, i);
        const item = items[i] as number;
        items[i] = items[j] as number;
        items[j] = item;
      }
      return items;
    },
    fillNormal(out, scale = 1) {
      for (let i = 0; i < out.length; i++) out[i] = scale * random.normal();
      return out;
    },
    fillSigns(out) {
      let bits = 0;
      for (let i = 0; i < out.length; i++) {
        // The lowest bits of this generator are its weakest.
        if (i % SIGNS_PER_DRAW === 0) bits = generator.next();
        out[i] = bits < 0 ? -1 : 1;
        bits <<= 1;
      }
      return out;
    },
    stream: (label) => seeded([...key, ...words(label)]),
    state: () => ({ generator: [...generator.getState()], spareNormal }),
    restore(state) {
      const { generator: next, spareNormal: spare } = state;
      if (next.length !== 4 || !next.every((word) => (word | 0) === word))
        throw new RangeError(`state: expected four int32, got [${next.join(", ")}]`);
      generator = xoroshiro128plusFromState(next);
      spareNormal = spare;
    },
  };
  return random;
}

/** A label as 32-bit words; its kind and length first, so that no two paths of labels run together. */
function words(label: string | number): number[] {
  if (typeof label === "string")
    return [1, label.length, ...Array.from(label, (_, i) => label.charCodeAt(i))];
  if (!Number.isSafeInteger(label)) throw new RangeError(`label: expected an integer, got ${label}`);
  return [2, label | 0, Math.floor(label / 2 ** 32) | 0];
}

/** 128 well-mixed bits of a key: murmur3 over the words, and its finaliser four times. */
function spread(key: readonly number[]): number[] {
  let hash = 0x9e3779b9 | 0;
  for (const word of key) {
    let mixed = Math.imul(word, 0xcc9e2d51 | 0);
    mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    hash ^= mixed;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + (0xe6546b64 | 0)) | 0;
  }
  // A second, different fold of the same words: two keys that meet in one 32-bit hash still differ in the other.
  let other = hash ^ key.length;
  for (const word of key) other = (Math.imul(other ^ word, 0x01000193) + (hash >>> 7)) | 0;
  const state = [1, 2, 3, 4].map((k) =>
    finalise(((k % 2 === 0 ? hash : other) + Math.imul(k, 0x9e3779b9 | 0)) | 0),
  );
  return state.some((word) => word !== 0) ? state : [1, 0, 0, 0];
}

function finalise(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b | 0);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35 | 0);
  return (mixed ^ (mixed >>> 16)) | 0;
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isKeyframe, WeightDecoder, WeightEncoder } from "../../server/recording/weight-codec.ts";

function bitsOf(theta: Float32Array): number[] {
  return [...new Uint32Array(theta.buffer, theta.byteOffset, theta.length)];
}

function ofBits(bits: ArrayLike<number>): Float32Array {
  return new Float32Array(Uint32Array.from(bits).buffer);
}

/** Signs, infinities, subnormals, quiet and signalling NaN with payloads, and the ends of the integers they are mapped to. */
const oddBits = [
  0, 0x80000000, 0x7f800000, 0xff800000, 1, 0x80000001, 0x7fc00000, 0x7fa00001, 0xffffffff, 0x7fffffff,
];
const anyBits = fc.oneof(fc.constantFrom(...oddBits), fc.integer({ min: 0, max: 0xffffffff }));

describe("the weight codec", () => {
  test("gives back every bit of every sequence", () => {
    const sequences = fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }))
      .chain(([parameters, messages, keyframeEvery]) =>
        fc.tuple(
          fc.constant(keyframeEvery),
          fc.array(fc.array(anyBits, { minLength: parameters, maxLength: parameters }), {
            minLength: messages,
            maxLength: messages,
          }),
        ),
      );
    fc.assert(
      fc.property(sequences, ([keyframeEvery, sequence]) => {
        const parameterCount = sequence[0]?.length ?? 0;
        const encoder = new WeightEncoder(parameterCount, keyframeEvery);
        const decoder = new WeightDecoder(parameterCount);
        sequence.forEach((bits, i) => {
          const message = encoder.encode(ofBits(bits));
          expect(isKeyframe(message)).toBe(i % keyframeEvery === 0);
          expect(bitsOf(decoder.decode(message))).toEqual(bits);
        });
      }),
      { numRuns: 200 },
    );
  });

  test("chooses the second order for a steady motion and the first for a random walk, and is exact with both", () => {
    const count = 2000;
    const orders = (walk: (step: number, i: number) => number): Set<number | undefined> => {
      const encoder = new WeightEncoder(count);
      const decoder = new WeightDecoder(count);
      const chosen = new Set<number | undefined>();
      for (let step = 0; step < 12; step++) {
        const theta = Float32Array.from({ length: count }, (_, i) => walk(step, i));
        const message = encoder.encode(theta);
        if (step > 1) chosen.add(message[1]);
        expect(bitsOf(decoder.decode(message))).toEqual(bitsOf(theta));
      }
      return chosen;
    };
    expect(orders((step, i) => 1 + i * 1e-3 + step * (0.001 + i * 1e-5))).toEqual(new Set([2]));
    let state = 1;
    const random = (): number => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647 - 0.5;
    };
    const position = Float64Array.from({ length: count }, () => 1 + random());
    const walk = (_: number, i: number): number => {
      position[i] = (position[i] as number) + 0.01 * random();
      return position[i] as number;
    };
    expect(orders(walk)).toEqual(new Set([1]));
  });

  test("reads θ out of a SharedArrayBuffer at an offset, and keeps no hold on it", () => {
    const shared = new SharedArrayBuffer(64);
    const theta = new Float32Array(shared, 16, 4).fill(1.5);
    const message = new WeightEncoder(4).encode(theta);
    theta.fill(2);
    expect([...new WeightDecoder(4).decode(message)]).toEqual([1.5, 1.5, 1.5, 1.5]);
  });

  test("decodes from any keyframe, and refuses to begin between two", () => {
    const encoder = new WeightEncoder(3, 4);
    const messages = Array.from({ length: 9 }, (_, step) => encoder.encode(Float32Array.of(step, 1, -step)));
    const decoder = new WeightDecoder(3);
    const last = messages
      .slice(4, 7)
      .map((message) => decoder.decode(message))
      .at(-1);
    expect(last).toEqual(Float32Array.of(6, 1, -6));
    expect(() => new WeightDecoder(3).decode(messages[5] as Uint8Array)).toThrow(
      "weights: expected a keyframe first, got a difference of order",
    );
  });

  test("refuses bytes that are not the next θ, with a reason and without believing their sizes", () => {
    const message = new WeightEncoder(3).encode(Float32Array.of(1, 2, 3));
    const decode = (bytes: Uint8Array): unknown => new WeightDecoder(3).decode(bytes);
    const changed = (at: number, byte: number): Uint8Array => {
      const bytes = message.slice();
      bytes[at] = byte;
      return bytes;
    };
    expect(() => decode(message.subarray(0, 5))).toThrow(
      "weights: expected version 1 and order 0 to 2, got 5 bytes",
    );
    expect(() => decode(changed(0, 9))).toThrow("got version 9, order 0");
    expect(() => decode(changed(1, 3))).toThrow("got version 1, order 3");
    expect(() => decode(changed(7, 255))).toThrow("weights: expected 3 parameters, got 4278190083");
    expect(() => decode(message.subarray(0, message.length - 2))).toThrow(
      "weights: expected a zstd frame of 12 bytes",
    );
    expect(() => decode(changed(8, 0))).toThrow("weights: expected a zstd frame of 12 bytes");
    const larger = new WeightEncoder(400).encode(new Float32Array(400)).slice();
    new DataView(larger.buffer).setUint32(4, 3, true);
    expect(() => decode(larger)).toThrow("weights: expected a zstd frame of 12 bytes");
  });

  test("refuses a θ of another length", () => {
    expect(() => new WeightEncoder(3).encode(new Float32Array(4))).toThrow("theta: expected 3 values, got 4");
    expect(() => new WeightEncoder(3, 0)).toThrow("keyframeEvery: expected an integer ≥ 1, got 0");
  });
});

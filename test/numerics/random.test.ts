import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom, type Random } from "../../server/numerics/random.ts";

const draw = (random: Random, count: number) => Array.from({ length: count }, () => random.uniform());

describe("createRandom", () => {
  test("gives the same numbers for the same seed, for ever", () => {
    expect(draw(createRandom(0), 3)).toEqual(PINNED.uniform);
    expect(Array.from(createRandom(0).fillNormal(new Float32Array(3)))).toEqual(PINNED.normal);
    expect(draw(createRandom(0).stream("probe").stream(7), 1)).toEqual(PINNED.stream);
  });

  test("seeds that differ give unrelated numbers: neighbours, signs and the high half of large ones", () => {
    const seeds = [...new Array(200).keys(), -1, -2, 2 ** 32, 2 ** 32 + 1, 2 ** 52, Number.MAX_SAFE_INTEGER];
    const firsts = seeds.map((seed) => createRandom(seed).uniform());
    expect(new Set(firsts).size).toBe(seeds.length);
    // Neighbouring seeds' first numbers are uncorrelated: 3 standard errors of 199 pairs.
    const near = firsts.slice(0, 200);
    const products = near.slice(1).map((value, i) => (value - 0.5) * ((near[i] as number) - 0.5) * 12);
    const correlation = products.reduce((sum, value) => sum + value, 0) / products.length;
    expect(Math.abs(correlation)).toBeLessThan(3 / Math.sqrt(products.length));
  });

  test("uniform is uniform in [0, 1) and normal is normal, by their first four moments and bins", () => {
    const random = createRandom(12);
    const n = 100_000;
    const uniforms = draw(random, n);
    const bins = new Array<number>(20).fill(0);
    for (const u of uniforms) bins[Math.floor(20 * u)] = (bins[Math.floor(20 * u)] as number) + 1;
    const chiSquare = bins.reduce((sum, count) => sum + (count - n / 20) ** 2 / (n / 20), 0);
    expect(chiSquare).toBeLessThan(43.8); // 0.999 quantile of χ² with 19 degrees of freedom
    const normals = Array.from({ length: n }, () => random.normal());
    const moment = (k: number) => normals.reduce((sum, x) => sum + x ** k, 0) / n;
    // Five standard errors: Var(x^k) is 1, 2, 15, 96.
    for (const [k, mean, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const)
      expect(Math.abs(moment(k) - mean)).toBeLessThan(5 * Math.sqrt(variance / n));
  });

  test("integer covers 0 … n − 1 evenly and refuses other n", () => {
    const random = createRandom(3);
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const value = random.integer(3);
      counts[value] = (counts[value] as number) + 1;
    }
    for (const count of counts)
      expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(30_000 * (2 / 9)));
    expect(random.integer(1)).toBe(0);
    expect(() => random.integer(0)).toThrow("n: expected an integer from 1 to 2^32, got 0");
  });

  test("shuffle permutes, each permutation of three as often as the others", () => {
    const random = createRandom(4);
    const seen = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const order = random.shuffle([0, 1, 2]).join("");
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    for (const count of seen.values())
      expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(12_000 * (5 / 36)));
    expect([...random.shuffle(Uint32Array.of(5, 6, 7, 8))].sort()).toEqual([5, 6, 7, 8]);
  });

  test("continues from its state, through JSON and in the middle of a pair of normals", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(20), (seed, skip) => {
        const random = createRandom(seed);
        for (let i = 0; i < skip; i++) random.normal();
        const state = JSON.parse(JSON.stringify(random.state()));
        const expected = Array.from({ length: 5 }, () => [
          random.normal(),
          random.uniform(),
          random.integer(10),
        ]);
        const other = createRandom(0);
        other.restore(state);
        expect(Array.from({ length: 5 }, () => [other.normal(), other.uniform(), other.integer(10)])).toEqual(
          expected,
        );
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  test("a stream depends on the seed and its labels, not on what was drawn before", () => {
    const used = createRandom(5);
    draw(used, 10);
    expect(draw(used.stream("order"), 5)).toEqual(draw(createRandom(5).stream("order"), 5));
    const labels = ["a", "b", "ab", "", 0, 1, -1, "0"];
    const random = createRandom(5);
    const paths = [
      random,
      ...labels.map((label) => random.stream(label)),
      random.stream("a").stream("b"),
      random.stream("b").stream("a"),
    ];
    expect(new Set(paths.map((path) => path.uniform())).size).toBe(paths.length);
  });

  test("refuses seeds and states that are not what they should be", () => {
    expect(() => createRandom(1.5)).toThrow("seed: expected an integer, got 1.5");
    expect(() => createRandom(1).restore({ generator: [1, 2, 3], spareNormal: null })).toThrow(
      "expected four int32",
    );
  });
});

/** Recordings and documented runs depend on these: a change here is a change of every seed's meaning. */
const PINNED = {
  uniform: [0.6021012712624074, 0.744232584979033, 0.016038592213028058],
  normal: [-0.049186088144779205, -1.3567225933074951, -0.10387851297855377],
  stream: [0.9027900018030913],
};

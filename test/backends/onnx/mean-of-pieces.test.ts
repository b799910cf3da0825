import { describe, expect, test } from "vitest";
import { meanOfPieces, scratchFor } from "../../../server/backends/onnx/mean-of-pieces.ts";
import type { Evaluator } from "../../../server/engine/evaluator.ts";

/** L_i = ½(θ₀xᵢ + θ₁ − yᵢ)² + θ₀⁴: its Hessian moves with θ. */
function evaluatorOn(x: readonly number[], y: readonly number[], disposed: string[]): Evaluator {
  const errors = ([a = 0, b = 0]: Float32Array) => x.map((each, i) => a * each + b - (y[i] as number));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / x.length;
  const exampleLosses = (theta: Float32Array) =>
    Float32Array.from(errors(theta), (e) => e ** 2 / 2 + (theta[0] as number) ** 4);
  const gradient = (theta: Float32Array) => [
    mean(errors(theta).map((e, i) => e * (x[i] as number))) + 4 * (theta[0] as number) ** 3,
    mean(errors(theta)),
  ];
  return {
    exampleLosses,
    outputs: (theta) => ({
      z: Float32Array.from(x.flatMap((each) => [each, -each])),
      exampleLosses: exampleLosses(theta),
    }),
    gradient(theta, out) {
      out.set(gradient(theta));
      return { exampleLosses: exampleLosses(theta), gradient: out };
    },
    linearise(theta) {
      const [squares, first] = [mean(x.map((each) => each ** 2)), mean(x)];
      const bend = 12 * (theta[0] as number) ** 2;
      const product =
        (more: number) =>
        ([v = 0, w = 0]: Float32Array, out: Float32Array) =>
          out.set([(squares + more) * v + first * w, first * v + w]);
      return {
        exampleLosses: exampleLosses(theta),
        gradient: Float32Array.from(gradient(theta)),
        hessianVectorProduct: product(bend),
        gaussNewtonProduct: product(0),
        dispose: () => disposed.push("linearisation"),
      };
    },
    dispose: () => disposed.push("evaluator"),
  };
}

describe("the mean of pieces", () => {
  // Numbers whose sums float32 holds exactly, and pieces of unequal sizes.
  const x = [1, 2, -1, 4, 0.5, -2, 3];
  const y = [0, 1, 1, -2, 2, 0.25, 1];
  const disposed: string[] = [];
  const whole = evaluatorOn(x, y, []);
  const pieces = meanOfPieces(
    [
      [0, 1],
      [1, 4],
      [4, 7],
    ].map(([from, to]) => ({
      size: (to as number) - (from as number),
      evaluator: evaluatorOn(x.slice(from, to), y.slice(from, to), disposed),
    })),
    scratchFor(2),
  );
  const theta = Float32Array.of(0.5, -1);
  const close = (found: Float32Array, expected: Float32Array) => {
    expect(found.length).toBe(expected.length);
    found.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1e-6);
    });
  };

  test("has the losses and outputs of all, in their order", () => {
    expect(pieces.exampleLosses(theta)).toEqual(whole.exampleLosses(theta));
    expect(pieces.outputs(theta)).toEqual(whole.outputs(theta));
  });

  test("has the gradient of all, in the vector that was given", () => {
    const out = new Float32Array(2);
    const found = pieces.gradient(theta, out);
    expect(found.gradient).toBe(out);
    expect(found.exampleLosses).toEqual(whole.exampleLosses(theta));
    close(out, whole.gradient(theta, new Float32Array(2)).gradient);
  });

  test("keeps linearisations apart, and has their products", () => {
    const at = [theta, Float32Array.of(-1, 2)].map((each) => ({
      ours: pieces.linearise(each),
      whole: whole.linearise(each),
    }));
    const v = Float32Array.of(1, -3);
    for (const { ours, whole: expected } of at) {
      close(ours.gradient, expected.gradient);
      expect(ours.exampleLosses).toEqual(expected.exampleLosses);
      for (const product of ["hessianVectorProduct", "gaussNewtonProduct"] as const) {
        const [found, exact] = [new Float32Array(2), new Float32Array(2)];
        ours[product](v, found);
        expected[product](v, exact);
        close(found, exact);
      }
    }
    at[0]?.ours.dispose();
    expect(disposed).toEqual(new Array(3).fill("linearisation"));
  });

  test("passes on what is not finite", () => {
    const { gradient } = pieces.gradient(Float32Array.of(Number.NaN, 0), new Float32Array(2));
    expect([...gradient]).toEqual([Number.NaN, Number.NaN]);
  });

  test("is disposed with its pieces", () => {
    disposed.length = 0;
    pieces.dispose();
    expect(disposed).toEqual(new Array(3).fill("evaluator"));
  });
});

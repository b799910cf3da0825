import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { Matrix } from "ml-matrix";
import { beforeAll, describe, expect, test } from "vitest";
import { extremalEigenpairs } from "../../server/numerics/lanczos.ts";
import { createRandom } from "../../server/numerics/random.ts";
import { denseEigenvalues } from "../numerics/symmetric.ts";
import { hessian64 } from "./float64-net.ts";
import { makeCase } from "./make-case.ts";

beforeAll(async () => {
  expect(await tf.setBackend("wasm")).toBe(true);
});

describe("Lanczos on a network's Hessian, as the server measures it", () => {
  test.each(["tanh", "relu"] as const)(
    "%s: finds both ends of the float64 Hessian's spectrum",
    (activation) => {
      const { net, theta, objective } = makeCase([12, 8, 6, 5], activation, "cross-entropy", 30);
      const exact = denseEigenvalues(new Matrix(hessian64(net, theta).map((row) => [...row])));
      const n = theta.length;
      const lambda1 = exact[n - 1] as number;
      const on = objective();
      const linearised = on.linearise(theta);
      const start = createRandom(1).fillNormal(new Float32Array(n));
      const measure = (top: number, tolerance: number, maxApplications: number) =>
        extremalEigenpairs((v) => linearised.hessianVectorProduct(v), {
          n,
          top,
          bottom: 2,
          start,
          tolerance,
          maxApplications,
        });

      const usual = measure(7, 1e-3, n);
      expect([...usual.top, ...usual.bottom].every(({ converged }) => converged)).toBe(true);
      usual.top.forEach(({ value, residual }, i) => {
        // A residual bounds the distance to an eigenvalue; that it is this one's is Lanczos's order.
        expect(Math.abs(value - (exact[n - 1 - i] as number))).toBeLessThan(residual + 1e-6 * lambda1);
      });
      usual.bottom.forEach(({ value, residual }, i) => {
        expect(Math.abs(value - (exact[i] as number))).toBeLessThan(residual + 1e-6 * lambda1);
      });

      // 40 values take 80 steps: far past where ghosts of λ₁ would come. It stands there once, and then λ₂, λ₃, ….
      const long = measure(40, 1e-6, 80);
      expect(long.applications).toBe(80);
      long.top.slice(0, 12).forEach(({ value }, i) => {
        expect(Math.abs(value - (exact[n - 1 - i] as number))).toBeLessThan(5e-7 * lambda1);
      });
      linearised.dispose();
      on.dispose();
    },
  );
});

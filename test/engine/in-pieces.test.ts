import { expect, test } from "vitest";
import { inPieces } from "../../server/engine/in-pieces.ts";
import { onEveryBackend } from "./every-backend.ts";
import { loss64 } from "./float64-net.ts";
import { makeCase } from "./make-case.ts";

onEveryBackend("an objective in pieces on", (create) => {
  test("has the loss and the accuracy of all examples", () => {
    const { net, theta, objective } = makeCase([12, 8, 5], "tanh", "cross-entropy", 33);
    const part = (from: number, to: number) =>
      objective((compiled, { inputs, targets }) =>
        create(compiled, {
          inputs: inputs.subarray(12 * from, 12 * to),
          targets: targets.subarray(5 * from, 5 * to),
          size: to - from,
        }),
      );
    const whole = objective(create);
    const pieces = inPieces([part(0, 10), part(10, 30), part(30, 33)]);
    expect(pieces.size).toBe(33);
    const { loss, accuracy } = pieces.evaluate(theta);
    expect(accuracy).toBe(whole.accuracy(theta));
    expect(pieces.loss(theta)).toBe(loss);
    expect(Math.abs(loss - loss64(net, theta))).toBeLessThan(2e-6);
    pieces.dispose();
    whole.dispose();
  });
});

import * as tf from "@tensorflow/tfjs-core";
import type * as tfl from "@tensorflow/tfjs-layers";
import { afterAll, describe, expect, test } from "vitest";
import { type AccuracyCase, accuracyCases } from "./accuracy-cases.ts";
import { backends, errors, type Measured, readTable, writeTable } from "./accuracy-table.ts";
import { hasTfjsNode, onnxruntime, onOnnx } from "./every-backend.ts";
import { type Accuracy, type Prepared, prepare } from "./measure-accuracy.ts";

// Silences tfjs's advice to install another backend.
tf.enableProdMode();

const LARGEST_BOUND = 2e-6;
/** TensorFlow's tanh is off by 3.2e-7, relative: several times what it is on wasm. */
const TFJS_NODE_BOUND = 5e-6;
const isWriting = process.env["THALWEG_WRITE_TABLE"] !== undefined;
const table = readTable();
const measuredCases: [AccuracyCase, Measured][] = [];

/** The network's outputs in float64, with the activation that the loss has taken over. */
function outputs64({ of, exact }: Prepared): number[] {
  const z = exact.outputs.map(({ value }) => value);
  const last = of.model.layers.at(-1);
  const activation = last?.getConfig()["activation"];
  if (of.loss === "sigmoid-cross-entropy" && activation === "sigmoid")
    return z.map((value) => 1 / (1 + Math.exp(-value)));
  if (of.loss !== "cross-entropy" || activation !== "softmax") return z;
  const width = z.length / of.size;
  return z.map((value, i) => {
    const row = z.slice(i - (i % width), i - (i % width) + width);
    return Math.exp(value) / row.reduce((total, entry) => total + Math.exp(entry), 0);
  });
}

describe("against float64", () => {
  test.each(accuracyCases)("$layer, $activation, $loss", async (given) => {
    expect(await tf.setBackend("cpu")).toBe(true);
    const prepared = prepare(given);
    const { of, theta } = prepared;

    // `predict` has batch-norm's moving statistics.
    const isBatchNorm = (layer: tfl.layers.Layer) => layer.getClassName() === "BatchNormalization";
    const usesExamples =
      of.batchNorm === "examples" && of.model.layers.some((layer) => isBatchNorm(layer) && layer.trainable);
    if (!usesExamples) {
      tf.tidy(() => {
        let at = 0;
        for (const weight of of.model.trainableWeights) {
          const value = weight.read();
          weight.write(tf.tensor(theta.subarray(at, at + value.size), value.shape));
          at += value.size;
        }
        const x = tf.tensor(Float32Array.from(of.inputs), [
          of.size,
          ...((of.model.inputs[0]?.shape ?? []).slice(1) as number[]),
        ]);
        const predicted = (of.model.predict(x) as tf.Tensor).dataSync();
        outputs64(prepared).forEach((value, i) => {
          expect(predicted[i]).toBeCloseTo(value, 4);
        });
      });
    }

    const measured = {} as Record<(typeof backends)[number], Accuracy>;
    for (const backend of backends) {
      expect(await tf.setBackend(backend)).toBe(true);
      const accuracy = prepared.measure();
      measured[backend] = accuracy;
      expect(accuracy.asymmetry).toBeLessThan(1e-6);
      expect(accuracy.tensorsLeft).toBe(0);
      errors.forEach((error, i) => {
        const bound = table.bounds(given)?.[3 * backends.indexOf(backend) + i];
        if (isWriting) return;
        expect(bound).toBeLessThanOrEqual(LARGEST_BOUND);
        expect(accuracy[error], `${error} on ${backend}`).toBeLessThanOrEqual(bound as number);
      });
    }
    measuredCases.push([given, measured]);
    prepared.dispose();
  });

  describe.skipIf(onnxruntime === null)(
    `on onnx${onnxruntime === null ? ": skipped, onnxruntime-node is not installed" : ""}`,
    () => {
      test.each(accuracyCases)("$layer, $activation, $loss", async (given) => {
        expect(await tf.setBackend("cpu")).toBe(true);
        const prepared = prepare(given);
        if (given.layer.includes("Embedding")) {
          expect(() => prepared.measure(onOnnx)).toThrow("takeRows is not printed as a graph");
        } else if (given.isTaped === true) {
          expect(() => prepared.measure(onOnnx)).toThrow("double backprop is not printed as a graph");
        } else {
          const { asymmetry, tensorsLeft, ...found } = prepared.measure(onOnnx);
          expect(asymmetry).toBeLessThan(1e-6);
          expect(tensorsLeft).toBe(0);
          for (const error of errors) expect(found[error], error).toBeLessThan(LARGEST_BOUND);
        }
        prepared.dispose();
      });
    },
  );

  // Registered where it is installed only: a row of skipped cases would say nothing.
  if (hasTfjsNode) {
    describe("on tfjs-node", () => {
      test.each(accuracyCases)("$layer, $activation, $loss", async (given) => {
        expect(await tf.setBackend("cpu")).toBe(true);
        const prepared = prepare(given);
        expect(await tf.setBackend("tensorflow")).toBe(true);
        const { asymmetry, tensorsLeft, ...found } = prepared.measure();
        expect(asymmetry).toBeLessThan(1e-6);
        expect(tensorsLeft).toBe(0);
        for (const error of errors) expect(found[error], error).toBeLessThan(TFJS_NODE_BOUND);
        prepared.dispose();
      });
    });
  }

  test("the table has these cases and no others", () => {
    if (!isWriting) expect(table.rows).toBe(accuracyCases.length);
  });

  afterAll(() => {
    if (isWriting) writeTable(measuredCases);
  });
});

import { whole } from "../../shared/number-words.ts";
import { formatPercent } from "../data/formats.ts";
import { figureAt } from "./figure.ts";
import type { Figure, LineDrawing, Panel, Scene } from "./panel.ts";

const TRAIN = "train/loss";
const PROBE = "path/loss";
const TEST = "eval/test-loss";
const ACCURACY = "eval/test-accuracy";

function draw({ history, header }: Scene): LineDrawing {
  const train = history.series(TRAIN);
  const probe = history.series(PROBE);
  const test = history.series(TEST);
  return {
    series: [
      ...(train === undefined
        ? []
        : [
            {
              label: header.train.fullBatch ? "train" : "train, minibatch",
              series: train,
              colour: "ink-3" as const,
              weight: 0.75,
              // On the full batch it is the probe's curve moved by one step: the label would lie on the probe's.
              directLabel: probe === undefined || !header.probe.isTrainingSet,
            },
          ]),
      ...(test === undefined
        ? []
        : [{ label: "test", series: test, colour: "series-2" as const, dash: "dash" as const }]),
      ...(probe === undefined ? [] : [{ label: "probe", series: probe, colour: "series-1" as const }]),
    ],
    unit: "loss",
  };
}

function figures(scene: Scene): readonly Figure[] {
  const { history, header, step } = scene;
  const accuracy = history.series(ACCURACY)?.at(step) ?? null;
  return [
    ...(history.series(PROBE) === undefined
      ? []
      : [figureAt(scene, "Probe", PROBE, "", { colour: "series-1" })]),
    figureAt(scene, header.train.fullBatch ? "Train" : "Minibatch", TRAIN, "", { colour: "ink-3" }),
    ...(history.series(TEST) === undefined
      ? []
      : [figureAt(scene, "Test", TEST, "", { colour: "series-2", dash: "dash" })]),
    ...(accuracy === null ? [] : [{ label: "Test accuracy", text: formatPercent(accuracy.value, 1) }]),
  ];
}

function note({ header }: Scene): string {
  const { train, probe } = header;
  const size = whole(probe.size);
  if (probe.isTrainingSet) {
    return train.fullBatch
      ? `Probe: the training set itself, ${size} examples. Train at step t is the loss that made update t, at θ before it.`
      : `Probe: the whole training set, ${size} examples. Minibatch losses scatter with the draw; the probe does not.`;
  }
  return `Probe: ${size} fixed examples of the ${probe.split} split, never drawn again. Minibatch losses scatter with the draw; the probe does not.`;
}

export const panel: Panel = {
  id: "loss",
  title: "Loss",
  about:
    "The loss that training sees, the loss on the fixed probe at the same weights, and the loss on test examples, all by the same formula.",
  order: 10,
  span: 6,
  height: 288,
  streams: [TRAIN, PROBE, TEST],
  parts: [{ id: "loss", kind: "line", scales: ["log", "linear"], draw, figures }],
  note,
};

import type { Overhead } from "../../shared/readings.ts";
import { formatCost, formatDuration, formatNumber, formatPercent } from "../data/formats.ts";
import { sampleAt } from "./figure.ts";
import type { LineDrawing, Panel, Scene } from "./panel.ts";

const CHANNEL = "run/overhead";

function draw({ history }: Scene): LineDrawing {
  const total = history.series(CHANNEL, "total");
  return {
    series:
      total === undefined
        ? []
        : [{ label: "overhead", series: total, colour: "series-6", directLabel: false }],
    unit: "1",
    includeZero: true,
  };
}

export const panel: Panel = {
  id: "overhead",
  title: "What watching costs",
  about:
    "Share of training speed that the instruments take, measured while they run. The interval is two standard errors of the mean step time. Where steps took no longer than alone before the run, the figure is 0 %: the cost is not above the noise.",
  order: 900,
  span: 4,
  height: 144,
  streams: [CHANNEL],
  parts: [
    {
      id: "overhead",
      kind: "line",
      scales: ["linear"],
      draw,
      figures: (scene) => {
        const sample = sampleAt<Overhead>(scene, CHANNEL);
        if (sample === null) return [{ label: "Overhead", text: "–" }];
        const { total, interval, stepsPerSecond, bareStepMs, perStream } = sample.value;
        const [dearest] = Object.entries(perStream).sort(([, a], [, b]) => b - a);
        return [
          {
            label: "Overhead",
            text: formatCost(total),
            note: `${formatPercent(interval[0])} to ${formatPercent(interval[1])}`,
          },
          { label: "Speed", text: `${formatNumber(stepsPerSecond, 3)} steps/s` },
          { label: "Bare step", text: formatDuration(bareStepMs) },
          ...(dearest === undefined
            ? []
            : [{ label: "Busiest", text: `${formatNumber(dearest[1], 2)} threads`, note: dearest[0] }]),
        ];
      },
    },
  ],
};

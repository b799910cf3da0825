/** The span of the first Hessian eigenvectors: how much of the gradient lies in it, and whether it stays where it is. */
import type { HessianOverlap, TopSubspace } from "../../shared/readings.ts";
import type { LineSeries } from "../charts/chart.ts";
import { formatNumber, formatStep } from "../data/formats.ts";
import { ageNote, sampleAt } from "./figure.ts";
import { lookOf } from "./look.ts";
import type { Figure, LineDrawing, Panel, Scene } from "./panel.ts";

const SHARE = "gradient/top-subspace";
const OVERLAP = "hessian/overlap";
const COLOURS = ["series-3", "series-4", "series-5", "series-6"] as const;

function line(scene: Scene, channel: string, path: string, look: Omit<LineSeries, "series">): LineSeries[] {
  const series = scene.history.series(channel, path);
  return series === undefined ? [] : [{ ...look, series, directLabel: false }];
}

function drawShare(scene: Scene): LineDrawing {
  return {
    series: [
      ...line(scene, SHARE, "control", { label: "in random directions", colour: "ink-3", dash: "dash" }),
      ...line(scene, SHARE, "share", { label: "in the first eigenvectors", colour: "series-1" }),
    ],
    unit: "1",
    includeZero: true,
  };
}

function shareFigures(scene: Scene): readonly Figure[] {
  const sample = sampleAt<TopSubspace>(scene, SHARE);
  if (sample === null) return [{ label: "Share of ‖g‖²", text: "–" }];
  const { share, control, k, converged } = sample.value;
  return [
    { label: "Share of ‖g‖²", text: formatNumber(share, 3), colour: "series-1", ...ageNote(sample.ageSteps) },
    { label: "Random", text: formatNumber(control, 2), colour: "ink-3", dash: "dash" },
    {
      label: "Eigenvectors",
      text: String(k),
      ...(converged < k ? { note: `${k - converged} not converged`, tone: "warn" as const } : {}),
    },
  ];
}

function drawOverlap(scene: Scene): LineDrawing {
  const references = scene.history.seriesMatching(OVERLAP, "references.*.overlap");
  const steps = sampleAt<HessianOverlap>(scene, OVERLAP)?.value.references ?? [];
  return {
    series: [
      ...line(scene, OVERLAP, "control", { label: "of random subspaces", colour: "ink-3", dash: "dash" }),
      ...references.map(
        (series, index): LineSeries => ({
          label: `with step ${formatStep(steps[index]?.step)}, snapshot ${index + 1}`,
          series,
          ...lookOf(index, COLOURS),
          directLabel: false,
        }),
      ),
      ...line(scene, OVERLAP, "previous.overlap", {
        label: "with the measurement before",
        colour: "series-1",
      }),
    ],
    unit: "1",
    includeZero: true,
  };
}

function overlapFigures(scene: Scene): readonly Figure[] {
  const sample = sampleAt<HessianOverlap>(scene, OVERLAP);
  if (sample === null) return [{ label: "Overlap", text: "–" }];
  const { previous, references, control } = sample.value;
  return [
    ...(previous === null
      ? []
      : [
          {
            label: `With step ${formatStep(previous.step)}`,
            text: formatNumber(previous.overlap, 3),
            colour: "series-1" as const,
            note: "before this one",
          },
        ]),
    ...references.map(({ step, overlap }, index) => ({
      label: `With step ${formatStep(step)}`,
      text: formatNumber(overlap, 3),
      ...lookOf(index, COLOURS),
    })),
    { label: "Random", text: formatNumber(control, 2), colour: "ink-3", dash: "dash" },
  ];
}

export const panel: Panel = {
  id: "top-subspace",
  title: "The top subspace",
  about:
    "The span of the first Hessian eigenvectors, as many as there are classes. Left: the share of the full gradient that lies in it, beside the share in a random subspace of that size. Right: how far the span of now and that of earlier measurements overlap; 1 is the same subspace.",
  order: 80,
  span: 12,
  height: 200,
  streams: [SHARE, OVERLAP],
  parts: [
    {
      id: "top-subspace-share",
      kind: "line",
      title: "Holds the gradient?",
      subtitle: "share of the gradient in it",
      scales: ["linear", "log"],
      draw: drawShare,
      figures: shareFigures,
    },
    {
      id: "top-subspace-overlap",
      kind: "line",
      title: "Stays where it is?",
      subtitle: "overlap with earlier ones",
      scales: ["linear"],
      draw: drawOverlap,
      figures: overlapFigures,
    },
  ],
};

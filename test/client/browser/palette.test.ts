/** The colours of lines, as painted: told apart by those who are blind to one of the primaries. */
import "../../../client/theme.css";
import { afterEach, describe, expect, it } from "vitest";
import { type ColourName, readTheme } from "../../../client/charts/theme.ts";

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/** Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009; severity 1. */
const VISIONS: Readonly<Record<string, Matrix>> = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  "without red": [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  "without green": [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  "without blue": [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Okabe and Ito, "Color Universal Design", 2008. */
const OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"].map(
  (hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Triple,
);

const SERIES = ["series-1", "series-2", "series-3", "series-4", "series-5", "series-6"] as const;
/** Other lines of the same charts. */
const OTHERS = ["threshold", "ink-3"] as const;

const times = (matrix: Matrix, [a, b, c]: Triple) =>
  matrix.map(([x, y, z]) => x * a + y * b + z * c) as unknown as Triple;

function linear(rgb: Triple): Triple {
  return rgb.map((byte) => {
    const value = byte / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as unknown as Triple;
}

/** Ottosson, "A perceptual color space for image processing", 2020, from linear sRGB. */
function oklab(rgb: Triple): Triple {
  const cones = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    rgb,
  ).map(Math.cbrt) as unknown as Triple;
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones,
  );
}

/** Of any of the first from any other of all, in the OKLab space of this vision. */
function smallestDistance(vision: Matrix, first: readonly Triple[], others: readonly Triple[] = []): number {
  const seen = [...first, ...others].map((rgb) =>
    oklab(times(vision, linear(rgb)).map((value) => Math.max(0, value)) as unknown as Triple),
  );
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < first.length; i++)
    for (let j = i + 1; j < seen.length; j++)
      smallest = Math.min(
        smallest,
        Math.hypot(...[0, 1, 2].map((k) => (seen[i]?.[k] ?? 0) - (seen[j]?.[k] ?? 0))),
      );
  return smallest;
}

const luminance = (rgb: Triple) =>
  times(
    [
      [0.2126, 0.7152, 0.0722],
      [0, 0, 0],
      [0, 0, 0],
    ],
    linear(rgb),
  )[0];

function painted(names: readonly ColourName[]): readonly Triple[] {
  const { colour } = readTheme(document.body);
  return names.map(
    (name) => (colour[name].match(/[\d.]+/g) ?? []).slice(0, 3).map(Number) as unknown as Triple,
  );
}

afterEach(() => {
  delete document.documentElement.dataset["theme"];
});

describe.each(["light", "dark"])("in the %s theme", (theme) => {
  it("no two lines are nearer than the nearest of Okabe and Ito, to any reader", () => {
    document.documentElement.dataset["theme"] = theme;
    const nearest = Math.min(...Object.values(VISIONS).map((vision) => smallestDistance(vision, OKABE_ITO)));
    expect(nearest).toBeCloseTo(0.076, 3);
    for (const vision of Object.values(VISIONS))
      expect(smallestDistance(vision, painted(SERIES), painted(OTHERS))).toBeGreaterThan(nearest);
  });

  it("each line stands out from its ground, three to one", () => {
    document.documentElement.dataset["theme"] = theme;
    const [ground = 0] = painted(["surface"]).map(luminance);
    for (const own of painted([...SERIES, ...OTHERS]).map(luminance))
      expect((Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05)).toBeGreaterThan(3);
  });
});

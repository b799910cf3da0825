import { createRandom, type Random } from "../../numerics/random.ts";
import type { Dataset, Split } from "./dataset.ts";

const TURNS = 1.5;
const NOISE = 0.02;
/** No example lies nearer to the centre, where the arms would touch. */
const INNER_RADIUS = 0.08;

/**
 * Two spirals of 1½ turns in [-1, 1]², one the other's rotation by π, with Gaussian noise of 0.02 on both coordinates.
 * Radii are spread so that examples are evenly spaced along the arms. Half of each split belongs to each class.
 */
export function twoSpiralsDataset(
  size: { readonly train: number; readonly test: number },
  seed: number,
): Dataset {
  const random = createRandom(seed).stream("two-spirals");
  return {
    name: "two-spirals",
    outputs: 2,
    exampleShape: [2],
    scaling: `coordinates in [-1, 1], ${TURNS} turns, noise ${NOISE}`,
    train: draw(size.train, random.stream("train")),
    test: draw(size.test, random.stream("test")),
  };
}

function draw(size: number, random: Random): Split {
  const points = new Float32Array(2 * size);
  const labels = new Uint8Array(size);
  for (let i = 0; i < size; i += 1) {
    const label = i % 2;
    const along = Math.sqrt(random.uniform());
    const radius = INNER_RADIUS + (1 - INNER_RADIUS) * along;
    const angle = 2 * Math.PI * TURNS * along + Math.PI * label;
    points[2 * i] = radius * Math.cos(angle) + NOISE * random.normal();
    points[2 * i + 1] = radius * Math.sin(angle) + NOISE * random.normal();
    labels[i] = label;
  }
  return {
    size,
    labels,
    targets: null,
    write(example, out, offset) {
      out[offset] = points[2 * example] as number;
      out[offset + 1] = points[2 * example + 1] as number;
    },
  };
}

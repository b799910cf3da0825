import { createRandom, type Random } from "../../numerics/random.ts";
import type { Dataset, Split } from "./dataset.ts";

const INPUTS = 10;
const TEACHER_UNITS = 4;

/** A network of one hidden layer: y = Σ_m tanh(w_m · x), no biases. */
export interface Teacher {
  readonly inputs: number;
  readonly units: number;
  /** w_m in columns, [inputs × units]: as a dense layer's kernel lies in θ. */
  readonly kernel: Float32Array;
}

/** w_m ~ N(0, 1/inputs), so that w_m · x has variance 1. Drawn from the seed of the data. */
export function drawTeacher(seed: number): Teacher {
  const random = createRandom(seed).stream("teacher-student").stream("teacher");
  const kernel = Float32Array.from(
    { length: INPUTS * TEACHER_UNITS },
    () => random.normal() / Math.sqrt(INPUTS),
  );
  return { inputs: INPUTS, units: TEACHER_UNITS, kernel };
}

/**
 * x ~ N(0, 1) in each coordinate, y what a teacher says of it: the soft committee machine of Saad & Solla 1995 (Phys. Rev. E 52:4225), with
 * tanh. There is no noise: a student of one tanh layer with as many units as the teacher, or more, can reach loss 0.
 */
export function teacherStudentDataset(
  size: { readonly train: number; readonly test: number },
  seed: number,
): Dataset {
  const random = createRandom(seed).stream("teacher-student");
  const teacher = drawTeacher(seed);
  return {
    name: "teacher-student",
    outputs: 1,
    exampleShape: [INPUTS],
    scaling: `standard normal inputs, targets of a teacher with ${TEACHER_UNITS} tanh units, no noise`,
    train: draw(size.train, teacher, random.stream("train")),
    test: draw(size.test, teacher, random.stream("test")),
  };
}

function draw(size: number, teacher: Teacher, random: Random): Split {
  const inputs = Float32Array.from({ length: size * INPUTS }, () => random.normal());
  const targets = new Float32Array(size);
  for (let i = 0; i < size; i++) targets[i] = answer(teacher, inputs.subarray(i * INPUTS, (i + 1) * INPUTS));
  return {
    size,
    labels: null,
    targets,
    write: (example, out, offset) =>
      out.set(inputs.subarray(example * INPUTS, (example + 1) * INPUTS), offset),
  };
}

function answer({ units, kernel }: Teacher, x: Float32Array): number {
  let y = 0;
  for (let m = 0; m < units; m++) {
    y += Math.tanh(x.reduce((sum, value, j) => sum + value * (kernel[j * units + m] as number), 0));
  }
  return y;
}

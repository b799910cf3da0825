/** Objectives of one model on onnxruntime. */
import type { CompiledModel } from "../../engine/compile.ts";
import { type Evaluator, objectiveOn } from "../../engine/evaluator.ts";
import type { Objective } from "../../engine/objective.ts";
import { type ObjectiveData, piecesOf } from "../../engine/objective-data.ts";
import { meanOfPieces, type Scratch, scratchFor } from "./mean-of-pieces.ts";
import { NativeProgram } from "./native-program.ts";
import { printModel } from "./printed-model.ts";
import type { Runtime } from "./runtime.ts";

/** Programs that no objective uses stay for the next of their size, such as the next minibatch: so many of them. */
const IDLE_PROGRAMS = 4;
/**
 * Memory for intermediate results is new at each call, and costs more than the arithmetic of a convolution once the system has to bring and
 * clear its pages. Where the largest are as small as this, the allocator has kept them, and caches hold them: Hv of LeNet takes less than half
 * (docs/adr/0019).
 */
const PIECE_BYTES = 1.25 * 2 ** 20;
/** In vectors of θ: each piece brings one in and one out. */
const PIECE_VECTORS = 4;
/** Fewer pieces gain less than they cost. */
const LEAST_PIECES = 3;

export interface NativeModel {
  createObjective(data: ObjectiveData): Objective;
  /** Closes every session; objectives still open cannot be used any more. */
  dispose(): void;
}

/** @throws {Error} when the model's rules do not print, or onnxruntime refuses a graph. */
export function createNativeModel(runtime: Runtime, compiled: CompiledModel): NativeModel {
  const trial = new NativeProgram(runtime, compiled, 1);
  trial.openAll();
  trial.dispose();
  /** By number of examples, the longest unused first. */
  const programs = new Map<number, { readonly program: NativeProgram; users: number }>();

  const acquire = (n: number): NativeProgram => {
    const entry = programs.get(n) ?? { program: new NativeProgram(runtime, compiled, n), users: 0 };
    entry.users += 1;
    programs.delete(n);
    programs.set(n, entry);
    return entry.program;
  };
  const release = (n: number) => {
    const entry = programs.get(n);
    if (entry !== undefined) entry.users -= 1;
    const idle = [...programs].filter(([, { users }]) => users === 0);
    for (const [size, { program }] of idle.slice(0, Math.max(0, idle.length - IDLE_PROGRAMS))) {
      programs.delete(size);
      program.dispose();
    }
  };

  const evaluator = (data: ObjectiveData): Evaluator =>
    acquire(data.size).evaluator(data, () => release(data.size));
  const pieceNumbers = Math.max(PIECE_BYTES / 4, PIECE_VECTORS * compiled.parameterCount);
  let perExample: number | null = null;
  let scratch: Scratch | null = null;
  /** Of n examples, how many are computed at a time. */
  const pieceLength = (n: number): number => {
    // Of one example, or of the parameters: most models need not be printed once more.
    const isLarge = n * trial.largest > (LEAST_PIECES - 1) * pieceNumbers;
    if (!compiled.isSumOverExamples || !isLarge) return n;
    perExample ??= numbersPerExample(compiled);
    const count = Math.ceil((n * perExample) / pieceNumbers);
    return count < LEAST_PIECES ? n : Math.ceil(n / count);
  };

  return {
    createObjective: (data) =>
      objectiveOn(compiled, data, () => {
        const pieces = piecesOf(data, pieceLength(data.size));
        if (pieces.length === 1) return evaluator(data);
        scratch ??= scratchFor(compiled.parameterCount);
        return meanOfPieces(
          pieces.map((piece) => ({ size: piece.size, evaluator: evaluator(piece) })),
          scratch,
        );
      }),
    dispose() {
      for (const { program } of programs.values()) program.dispose();
      programs.clear();
    },
  };
}

/** So many that nothing computed of parameters alone is as large. */
const MANY = 2 ** 16;

/** Of one example's intermediate results the largest. */
function numbersPerExample(compiled: CompiledModel): number {
  return printModel(compiled, MANY).largest / MANY;
}

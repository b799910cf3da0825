/** A blueprint on this thread's backend. */
import type { serialization } from "@tensorflow/tfjs-core";
import { LayersModel, Sequential } from "@tensorflow/tfjs-layers";
import { targetsAreClasses } from "../engine/accuracy.ts";
import type { Backend } from "../engine/backend.ts";
import { compile, setConstants } from "../engine/compile.ts";
import { inPieces } from "../engine/in-pieces.ts";
import { objectiveOnLiveInputs } from "../engine/live-inputs.ts";
import { piecesOf } from "../engine/objective-data.ts";
import type { OwnLoss } from "../engine/own-loss.ts";
import { selectExamples } from "./data/examples.ts";
import type { Blueprint, Examples, Run } from "./run.ts";

/** Examples in one forward pass over the test set: convolutions hold their windows of all of them. */
const TEST_PIECE = 1000;

/**
 * Objectives upload their data when first asked for, so that a thread holds only what it measures; {@link Run.dispose} frees them.
 * @param ownLoss  what the loss "own" stands for.
 * @throws {EngineError} when the model cannot be computed on the backend.
 */
export function openRun(blueprint: Blueprint, chosen: Backend, ownLoss: OwnLoss | null = null): Run {
  const { config, facts, train, test, probe, secondProbe, initial, unrelatedInitial } = blueprint;
  const kind = blueprint.model.isSequential ? Sequential : LayersModel;
  // tfjs takes the layers out of the object it is given; the blueprint is other threads' too.
  const layers = structuredClone(blueprint.model.config) as serialization.ConfigDict;
  const model = kind.fromConfig(kind, layers) as LayersModel;
  setConstants(model, blueprint.constants);
  const compiled = compile(model, config.loss, { ownLoss });
  model.dispose();
  const backend = chosen.open(compiled);
  const { name, selfTest, note } = backend;

  const opened: { dispose(): void }[] = [];
  const once = <O extends { dispose(): void }>(create: () => O) => {
    let objective: O | null = null;
    return () => {
      if (objective === null) {
        objective = create();
        opened.push(objective);
      }
      return objective;
    };
  };
  const on = (examples: Examples) => backend.createObjective(examples);
  const lasting = (examples: Examples) => objectiveOnLiveInputs(chosen, compiled, examples) ?? on(examples);
  // A minibatch is gathered at each step: into the same memory, because engines copy the inputs they are given.
  const perExample = train.inputs.length / train.size;
  let gathered = new Float32Array(0);
  const minibatch = (indices: Uint32Array): Examples => {
    const length = indices.length * perExample;
    if (gathered.length !== length) gathered = new Float32Array(length);
    return selectExamples(train, indices, gathered);
  };
  const { isTrainingSet } = facts.probe;
  const objective = once(() => lasting(isTrainingSet ? train : selectExamples(train, probe)));
  const secondObjective =
    secondProbe === null ? null : once(() => lasting(selectExamples(train, secondProbe)));
  const testPiece = (all: Examples) => (compiled.isSumOverExamples ? TEST_PIECE : all.size);
  const testObjective = test === null ? null : once(() => inPieces(piecesOf(test, testPiece(test)).map(on)));

  return {
    config,
    facts,
    backend: { name, selfTest, note },
    parameters: facts.parameters,
    initial,
    unrelatedInitial,
    trainSize: train.size,
    testSize: test?.size ?? 0,
    classes: train.outputs,
    testHasClasses: test !== null && targetsAreClasses(test.targets, test.outputs),
    isFullBatch: config.batchSize === "full",
    probeIsTrainingSet: isTrainingSet,
    lastStep: config.steps,
    get objective() {
      return objective();
    },
    get secondObjective() {
      return secondObjective === null ? null : secondObjective();
    },
    get testObjective() {
      return testObjective === null ? null : testObjective();
    },
    batchObjective: (indices) =>
      indices.length === train.size ? lasting(selectExamples(train, indices)) : on(minibatch(indices)),
    dispose() {
      for (const each of opened.splice(0)) each.dispose();
      backend.dispose();
    },
  };
}

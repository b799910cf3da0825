import type { OperatorFunction } from "rxjs";
import type { HessianOverlap, SubspaceOverlap } from "../../shared/readings.ts";
import type { Sample } from "../../shared/stream.ts";
import type { Objective } from "../engine/objective.ts";
import { overlap } from "../numerics/subspace.ts";
import type { Step } from "../training/run.ts";
import type { StreamDefinition } from "./define.ts";
import { scheduledOnTopSpace, type TopSpaceOptions } from "./top-space.ts";

const NAME = "hessian/overlap";

/** A snapshot is kept of the first measurement at or after each of these steps: a bound on memory, and a scale of ages. */
const SNAPSHOTS_AT = [0, 10, 100, 1000];

interface Snapshot {
  readonly step: number;
  readonly vectors: readonly Float32Array[];
}

/**
 * Does the top subspace of the Hessian stay where it is? ‖VᵀV′‖_F²/k between the first k eigenvectors of now and of earlier: of the
 * measurement before, and of the first at or after steps 0, 10, 100 and 1000. Two random subspaces overlap by k/D in the mean.
 *
 * Uses the eigenvectors that {@link import("./hessian-eigenvalues.ts").hessianEigenvalues} has found at the same step; measures by itself
 * where it has not. A demanded step is compared, and kept by nothing.
 *
 * @nonfinite an Hv that is not finite, or a Hessian that is zero, gives NaN, and that step is not kept.
 * @cost up to 5k² dot products of D. Memory: 5k × D float32.
 * @source Gur-Ari, Roberts & Dyer 2018, arXiv:1812.04754, §3.
 */
export function hessianOverlap(
  objective: Objective,
  options: TopSpaceOptions = {},
): OperatorFunction<Step, Sample<HessianOverlap>> {
  return scheduledOnTopSpace(NAME, objective, options, () => {
    const snapshots: Snapshot[] = [];
    let previous: Snapshot | null = null;
    return ({ vectors, converged, isZero, finite }, at) => {
      const now = { step: at.step, vectors };
      const hasSpan = finite && !isZero;
      const value = {
        k: vectors.length,
        converged,
        control: vectors.length / objective.parameterCount,
        previous: previous === null ? null : compare(previous, now, hasSpan),
        references: snapshots.map((snapshot) => compare(snapshot, now, hasSpan)),
      };
      if (hasSpan && at.demanded === null) {
        previous = now;
        const wantedAt = SNAPSHOTS_AT[snapshots.length];
        if (wantedAt !== undefined && at.step >= wantedAt) snapshots.push(now);
      }
      return value;
    };
  });
}

function compare(then: Snapshot, now: Snapshot, hasSpan: boolean): SubspaceOverlap {
  return { step: then.step, overlap: hasSpan ? overlap(then.vectors, now.vectors) : Number.NaN };
}

export const hessianOverlapStream: StreamDefinition = {
  descriptor: {
    name: NAME,
    title: "Does the top subspace stay?",
    about:
      "Overlap of the span of the first Hessian eigenvectors, as many as there are classes, with that of the measurement before and of earlier snapshots: 1 is the same subspace. Random subspaces of that size overlap hardly at all.",
    source: "Gur-Ari, Roberts & Dyer 2018, arXiv:1812.04754",
    unit: "1",
    encoding: "json",
    heavy: false,
    on: "probe",
    needs: "objective",
    cadence: { kind: "scheduled", every: 1 },
    fields: [
      { path: "previous.overlap", label: "with the measurement before", unit: "1", scale: "linear" },
      { path: "references.*.overlap", label: "with snapshot", unit: "1", scale: "linear" },
      { path: "control", label: "of random subspaces", unit: "1", scale: "linear" },
    ],
  },
  role: () => "curvature",
  scheduleKey: "hessian",
  memoryBytes: ({ initial, classes }) => (64 + 5 * classes) * initial.byteLength,
  applies: () => true,
  derive: ({ run, every, channel }) =>
    hessianOverlap(run.objective, {
      every,
      channel,
      k: run.classes,
      seed: run.config.seeds.vectors,
    }),
};

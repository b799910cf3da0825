import { describe, expect, it } from "vitest";
import { History, type HistorySample } from "../../../client/data/history.ts";
import { waitingFor } from "../../../client/elements/waiting-for.ts";
import type { Scene } from "../../../client/panels/panel.ts";
import type { Cadence, StreamDescriptor } from "../../../shared/stream.ts";
import { syntheticSession } from "../browser/support/synthetic-session.ts";

const session = syntheticSession({ steps: 900 });
const streams = ["hessian/density"];

function words(cadence: Cadence, to: Partial<Scene> = {}, fork?: number): string {
  const history = new History();
  history.describe(session.header.channels);
  history.accept((session.events as readonly HistorySample[]).filter(({ step }) => step <= 420));
  const channels = [{ name: "hessian/density", cadence } as StreamDescriptor];
  const header = {
    ...session.header,
    channels,
    ...(fork === undefined ? {} : { fork: { step: fork } }),
  } as Scene["header"];
  return waitingFor({ streams }, { header, history, state: "running", ...to } as Scene);
}

describe("what a panel without a sample says", () => {
  it.each<[Cadence, number | undefined, string]>([
    [{ kind: "sparse", every: 500 }, 350, "Waiting for the first measurement, at step 500"],
    [{ kind: "sparse", every: 5000 }, 350, "Waiting for the first measurement, at step 900"],
    [{ kind: "scheduled", every: 1000 }, 300, "Waiting for the first measurement, at step 512"],
    [{ kind: "scheduled", every: 100 }, 350, "Waiting for the first measurement"],
    [{ kind: "sparse", every: 500 }, undefined, "Waiting for the first measurement"],
    [{ kind: "step" }, undefined, "Waiting for data"],
  ])("%j from step %s", (cadence, fork, expected) => {
    expect(words(cadence, {}, fork)).toBe(expected);
  });

  it("no longer waits once the run is over", () => {
    expect(words({ kind: "sparse", every: 500 }, { state: "ended" })).toBe("Not measured in this session");
  });
});

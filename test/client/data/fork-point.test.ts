import { describe, expect, it } from "vitest";
import { forkPoint } from "../../../client/data/fork-point.ts";
import type { SessionHeader } from "../../../shared/header.ts";
import { syntheticSession } from "../browser/support/synthetic-session.ts";

const { header } = syntheticSession({ steps: 230 });
const withoutState = header.channels.filter(({ name }) => name !== "train/state");

/** θ at every tenth step and at powers of two, the state at every fiftieth; both at the last. */
function offered(step: number, changed: Partial<SessionHeader> = {}): number | null {
  return forkPoint({ ...header, ...changed }, step);
}

describe("where a run can be forked", () => {
  it("is wherever θ is recorded, of an optimizer without memory", () => {
    expect([0, 3, 4, 9, 17, 129, 229, 230].map((step) => offered(step))).toEqual([
      0, 2, 4, 8, 16, 128, 220, 230,
    ]);
    expect(offered(17, { channels: withoutState })).toBe(16);
  });

  it("is where the memory is recorded too, of any other", () => {
    const optimizer = { name: "momentum" };
    expect([0, 49, 50, 128, 229, 230].map((step) => offered(step, { optimizer }))).toEqual([
      0, 0, 50, 100, 200, 230,
    ]);
    expect(offered(100, { optimizer, channels: withoutState })).toBeNull();
  });

  it("is where a fork began, whatever its schedule says of that step, and not before", () => {
    const fork = { step: 55 } as SessionHeader["fork"];
    expect([-1, 54, 55, 59, 60].map((step) => offered(step, { fork }))).toEqual([null, null, 55, 55, 60]);
  });

  it("is nowhere for those who may not have a server read files", () => {
    const train = { ...header.train, dataset: "npy:x.npy,y.npy" };
    expect([{ task: "own" }, { task: "model" }, { train }].map((changed) => offered(100, changed))).toEqual([
      null,
      null,
      null,
    ]);
    expect(offered(-1)).toBeNull();
  });
});

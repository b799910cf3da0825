import { expect, test } from "vitest";
import { restoreUtil } from "../../server/backends/tfjs-node.ts";

test("what Node 23 has removed from util, and tfjs-node calls, is put back; what is there stays", () => {
  const newer: Record<string, unknown> = {};
  restoreUtil(newer);
  const { isNullOrUndefined, isArray } = newer as Record<string, (value: unknown) => boolean>;
  expect([null, undefined, 0, "", false].map((value) => isNullOrUndefined?.(value))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  expect([[], {}].map((value) => isArray?.(value))).toEqual([true, false]);
  const own = () => true;
  const older: Record<string, unknown> = { isArray: own };
  restoreUtil(older);
  expect(older["isArray"]).toBe(own);
});

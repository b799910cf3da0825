/** A slice of each check that takes a second or two, so that a change which breaks one is seen at once; `npm run torture` has the rest. */
import { expect, test } from "vitest";
import { checks } from "./index.ts";

const COUNTS: Readonly<Record<string, number>> = {
  "recording/cut": 2000,
  "recording/bit-flips": 1000,
  "recording/zero-tails": 500,
  "gateway/reconnects": 60,
  "gateway/kills": 1,
  "gateway/bad-inputs": 250,
  "gateway/door": 200,
  "gateway/protocol": 50,
  "gateway/company": 60,
  "recording/bad-files": 1000,
  "recording/recover": 100,
  "recording/disk-faults": 10,
  "recording/kill": 4,
  "training/forks": 5,
};

test.each(Object.entries(COUNTS))("%s holds %i times", async (name, count) => {
  const check = checks.find((candidate) => candidate.name === name);
  const { count: done, failures } = (await check?.run(count, 2)) ?? { count: 0, failures: ["no such check"] };
  expect(failures).toEqual([]);
  expect(done).toBe(count);
});

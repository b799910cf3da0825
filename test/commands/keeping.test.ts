/** How recordings are kept, as it is said on the command line and in a configuration file. */
import { expect, test } from "vitest";
import { keepingOf, readSettings } from "../../server/commands/server-settings.ts";

test("flags become what a log understands, and nothing said stays nothing", async () => {
  const said = await readSettings({ sync: "chunk", onRecordFailure: "continue", segmentSize: "64MiB" });
  expect(keepingOf(said.server)).toEqual({ sync: "chunk", onFailure: "continue", partBytes: 64 * 2 ** 20 });
  expect(keepingOf((await readSettings({ segmentSize: "1.5 GiB" })).server)).toEqual({
    partBytes: 1.5 * 2 ** 30,
  });
  expect(keepingOf((await readSettings({})).server)).toEqual({});
});

test("what cannot be meant is refused, each in a line", async () => {
  const wrong = { sync: "always", onRecordFailure: "stop", segmentSize: "10" };
  await expect(readSettings(wrong)).rejects.toMatchObject({
    code: "settings",
    message: [
      'sync: expected interval, chunk or os, got "always"',
      'on-record-failure: expected pause or continue, got "stop"',
      'segment-size: expected a size from 64KiB on, as 64MiB or 2GiB, got "10"',
    ].join("\n"),
  });
});

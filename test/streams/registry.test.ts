import { describe, expect, it } from "vitest";
import { runChannels, streams } from "../../server/streams/index.ts";
import { StreamDescriptor } from "../../shared/stream.ts";
import { VERDICT_CHANNELS } from "../../shared/verdicts.ts";

const descriptors = [...streams.map(({ descriptor }) => descriptor), ...runChannels];

describe("the registry of streams", () => {
  it.each(descriptors.map((descriptor) => [descriptor.name, descriptor] as const))(
    "describes %s fully",
    (_, descriptor) => {
      expect(StreamDescriptor.parse(descriptor)).toEqual(descriptor);
      expect(descriptor.about).toMatch(/\.$/);
      expect(descriptor.about.split(/\.\s/).length).toBeLessThanOrEqual(2);
      expect(descriptor.heavy).toBe(descriptor.encoding !== "json");
    },
  );

  it("names each stream once", () => {
    const names = descriptors.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("gives an interval to scheduled and logged streams, and to no other", () => {
    for (const { descriptor, scheduleKey } of streams) {
      const hasInterval = ["scheduled", "sparse", "logged"].includes(descriptor.cadence.kind);
      expect([descriptor.name, scheduleKey !== null]).toEqual([descriptor.name, hasInterval]);
    }
  });

  it("holds every channel that a verdict rests on", () => {
    const names = descriptors.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...VERDICT_CHANNELS]));
  });
});

import { describe, expect, it } from "vitest";
import { createModeLine, endModes, modePublisher, modeTaker } from "../../server/threads/mode-line.ts";

describe("the line that carries top eigenvectors", () => {
  it("gives each asked step its vector, and passes over those nobody asked for", () => {
    const { from, to } = createModeLine();
    const publisher = modePublisher(from);
    for (const step of [0, 1, 2, 4]) publisher.publish(step, Float32Array.of(step));
    endModes(from);
    const taker = modeTaker(to, true);
    expect(taker.take(1)).toEqual(Float32Array.of(1));
    expect(taker.take(4)).toEqual(Float32Array.of(4));
    expect(taker.take(8)).toBeNull();
    from.port.close();
  });

  it("says null for a measurement that failed or was skipped, and keeps the later one for its turn", () => {
    const { from, to } = createModeLine();
    const publisher = modePublisher(from);
    publisher.publish(0, null);
    publisher.publish(4, Float32Array.of(4));
    const taker = modeTaker(to, false);
    expect(taker.take(0)).toBeNull();
    expect(taker.take(2)).toBeNull();
    expect(taker.take(4)).toEqual(Float32Array.of(4));
    from.port.close();
  });
});

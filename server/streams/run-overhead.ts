import type { StreamDescriptor } from "../../shared/stream.ts";

/** What watching costs. Measured by whoever holds the threads, by the clock; no step gives it. */
export const runOverhead: StreamDescriptor = {
  name: "run/overhead",
  title: "Cost of watching",
  about:
    "Share of training speed that the instruments take, measured while they run, with an interval of two standard errors of the mean step time. Per stream: busy seconds of its thread per second.",
  unit: "1",
  encoding: "json",
  heavy: false,
  on: "run",
  needs: "trainer",
  cadence: { kind: "interval", everyMs: 1000 },
  fields: [
    { path: "total", label: "share of training speed", unit: "1", scale: "linear" },
    { path: "interval.*", label: "interval", unit: "1", scale: "linear" },
    { path: "stepsPerSecond", label: "steps per second", unit: "s⁻¹", scale: "linear" },
    { path: "bareStepMs", label: "bare step", unit: "ms", scale: "linear" },
  ],
};

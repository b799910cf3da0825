import type { StreamDescriptor } from "../../shared/stream.ts";

/** What happened: control actions, alerts, failures of streams. Written when it happens, each with a stable code. */
export const runStatus: StreamDescriptor = {
  name: "run/status",
  title: "What happened",
  about:
    "Control actions, alerts and failures, each with a stable code and one sentence. A stream that fails ends with an entry here; the session goes on.",
  unit: "1",
  encoding: "json",
  heavy: false,
  on: "run",
  needs: "trainer",
  cadence: { kind: "event" },
  fields: [],
};

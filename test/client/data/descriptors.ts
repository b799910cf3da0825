import type { StreamDescriptor } from "../../../shared/stream.ts";

/** A channel with these field paths, for tests that care about nothing else of it. */
export function descriptor(name: string, paths: readonly string[] = [""]): StreamDescriptor {
  return {
    name,
    title: name,
    about: "",
    unit: "1",
    encoding: "json",
    heavy: false,
    on: "theta",
    needs: "theta",
    cadence: { kind: "step" },
    fields: paths.map((path) => ({ path, label: path, unit: "1", scale: "linear" })),
  };
}

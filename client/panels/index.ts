/** Every panel: the files `*.panel.ts` of this folder, and a default one for each stream that none of them claims. */
import type { StreamDescriptor } from "../../shared/stream.ts";
import { defaultPanel } from "./default-panel.ts";
import type { Panel } from "./panel.ts";

const OWN: readonly Panel[] = Object.values(
  import.meta.glob<Panel>("./*.panel.ts", { eager: true, import: "panel" }),
).sort((a, b) => a.order - b.order);

/** Words, shown elsewhere. */
const NOT_DRAWN: ReadonlySet<string> = new Set(["run/status"]);

/** The panels of a session, in the order in which they are shown. */
export function panelsFor(channels: readonly StreamDescriptor[]): readonly Panel[] {
  const announced = new Set(channels.map(({ name }) => name));
  const claimed = new Set(OWN.flatMap(({ streams }) => streams));
  const own = OWN.filter(({ streams }) => streams.some((stream) => announced.has(stream)));
  const others = channels
    .filter(({ name }) => !claimed.has(name) && !NOT_DRAWN.has(name))
    .flatMap((channel) => defaultPanel(channel) ?? []);
  return [...own, ...others].sort((a, b) => a.order - b.order);
}

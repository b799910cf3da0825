/** `thalweg replay <recording>`: a recording, to the same dashboard over the same protocol. */
import { basename, dirname, resolve } from "node:path";
import { count, whole } from "../../shared/number-words.ts";
import { standing } from "../../shared/session-words.ts";
import { Catalogue } from "../session/catalogue.ts";
import { SessionLibrary } from "../session/library.ts";
import { openRecording } from "../session/recorded-session.ts";
import { summarise } from "../session/session.ts";
import { UserError } from "../training/user-error.ts";
import { findRecording } from "./find-recording.ts";
import { decimal } from "./quantities.ts";
import { printLaunch, serve, untilInterrupted } from "./serve.ts";
import { liveElsewhere } from "./server-card.ts";
import { readSettings } from "./server-settings.ts";

/** `speed` and `fromStep` are where the dashboard begins; they travel in its address. */
export async function replayCommand(which: string, flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { speed, fromStep, ...rest } = flags;
  const { server } = await readSettings(rest);
  const hash = new URLSearchParams();
  if (speed !== undefined) hash.set("speed", String(positive("speed", speed)));
  if (fromStep !== undefined) hash.set("step", String(positive("from-step", fromStep, 0)));
  const path = await findRecording("replay", which, server);
  const session = await openRecording(path);
  await session.close();
  const { header, status } = session;
  hash.set("run", header.id);
  // The others of its folder stand beside it in the list.
  const catalogue = new Catalogue(dirname(resolve(path)), basename(path));
  const library = new SessionLibrary({ catalogue, liveElsewhere });
  await untilInterrupted(async (interrupted) => {
    const served = await serve(library, server);
    console.log(
      `replaying  ${header.name}: ${header.modelSummary}, ${whole(status.step)} of ${count(header.steps, "step")}, ${standing(summarise(session))}`,
    );
    printLaunch(served, server, hash.toString());
    console.log("           Ctrl-C ends.");
    await interrupted;
    await served.close();
    await library.close();
  });
}

function positive(name: string, value: unknown, least = Number.MIN_VALUE): number {
  const number = decimal(value);
  if (Number.isFinite(number) && number >= least) return number;
  throw new UserError(
    "settings",
    `${name}: expected a number ${least === 0 ? "≥ 0" : "> 0"}, got ${JSON.stringify(value)}`,
  );
}

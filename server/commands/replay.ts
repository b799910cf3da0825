/** `thalweg replay <file>`: a recording, to the same dashboard over the same protocol. */
import { SessionLibrary } from "../session/library.ts";
import { openRecording } from "../session/recorded-session.ts";
import { UserError } from "../training/user-error.ts";
import { printLaunch, serve, untilInterrupted } from "./serve.ts";
import { readSettings } from "./server-settings.ts";

/** `speed` and `fromStep` are where the dashboard begins; they travel in its address. */
export async function replayCommand(path: string, flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { speed, fromStep, ...rest } = flags;
  const { server } = await readSettings(rest);
  const hash = new URLSearchParams();
  if (speed !== undefined) hash.set("speed", String(positive("speed", speed)));
  if (fromStep !== undefined) hash.set("step", String(positive("from-step", fromStep, 0)));
  const session = await openRecording(path);
  const library = new SessionLibrary();
  library.add(session);
  const served = await serve(library, server);
  const { header, status } = session;
  console.log(
    `replaying  ${header.name}: ${header.modelSummary}, ${status.step} of ${header.steps} steps, ${status.reason}`,
  );
  printLaunch(served, server, hash.toString());
  console.log("           Ctrl-C ends.");
  await untilInterrupted(async () => {
    await served.close();
    await session.close();
  });
}

function positive(name: string, value: unknown, least = Number.MIN_VALUE): number {
  const number = Number(value);
  if (Number.isFinite(number) && number >= least) return number;
  throw new UserError(
    "settings",
    `${name}: expected a number ${least === 0 ? "≥ 0" : "> 0"}, got ${JSON.stringify(value)}`,
  );
}

/** A finished recording of a made-up run, by the log that real ones are written with. */
import { SessionLog } from "../../server/session/log.ts";
import type { SessionHeader } from "../../shared/header.ts";
import { buildHeader } from "./build-header.ts";
import { appendSteps } from "./write-steps.ts";

export async function writeRecording(
  path: string,
  id: string,
  { steps = 40, ...changes }: Partial<SessionHeader> = {},
): Promise<void> {
  const log = await SessionLog.create({ header: buildHeader({ ...changes, steps, id }), path });
  await appendSteps(log, steps);
  await log.finish("finished");
  await log.close();
}

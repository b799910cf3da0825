/** Writes a session to the path it is given, for ever, and says on stdout how far the log has come. To be killed. */
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { buildHeader } from "./build-header.ts";
import { thetaAt } from "./write-steps.ts";

const parameterCount = 300;
const log = await SessionLog.create({
  header: buildHeader({ parameterCount, startedAtMs: Date.now() }),
  path: process.argv[2] ?? "",
});
log.hurry();
log.status$.subscribe(({ headSeq }) => process.stdout.write(`${headSeq}\n`));
const encoder = new WeightEncoder(parameterCount);
for (let step = 0; ; step++) {
  log.append(0, step, { json: String(step) });
  log.append(1, step, { weights: encoder.encode(thetaAt(step, parameterCount)) });
  await log.whenBelow(20_000);
  if (step % 50 === 0) await log.flush();
}

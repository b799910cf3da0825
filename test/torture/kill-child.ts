/** Records a made-up run as it is told on its command line, and says on stdout which seq was written last. To be killed at any moment. */
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { type LogKeeping, SessionLog } from "../../server/session/log.ts";
import { buildHeader } from "../support/build-header.ts";
import { thetaAt } from "../support/write-steps.ts";

export interface KillOrder {
  readonly path: string;
  readonly parameterCount: number;
  readonly keeping: LogKeeping;
  /** Does a lossless reader wait at the head? */
  readonly isHurried: boolean;
  /** After so many steps the recording is finished: a kill may hit that, too. */
  readonly steps: number;
}

const order = JSON.parse(process.argv[2] ?? "null") as KillOrder;
const { parameterCount } = order;
const header = buildHeader({ parameterCount, startedAtMs: Date.now() });
const log = await SessionLog.create({ header, path: order.path, ...order.keeping });
if (order.isHurried) log.hurry();
log.status$.subscribe(({ headSeq }) => process.stdout.write(`${headSeq}\n`));
const encoder = new WeightEncoder(parameterCount);
for (let step = 0; step < order.steps; step++) {
  log.append(0, step, { json: String(step) });
  log.append(1, step, { weights: encoder.encode(thetaAt(step, parameterCount)) });
  await log.whenBelow(20_000);
  if (step % 50 === 0) await log.flush();
}
await log.finish("finished");
await log.close();

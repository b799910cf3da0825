/** Every check, in the order of the table. A new one is a file and a line here. */
import { badInputs } from "./bad-inputs.ts";
import type { Check } from "./check.ts";
import { crowd } from "./crowd.ts";
import { bitFlips, truncation, zeroTails } from "./damage.ts";

import { door } from "./door.ts";
import { protocolModel } from "./protocol-model.ts";
import { reconnects } from "./reconnects.ts";
import { serverKills } from "./server-kills.ts";
import { stalledClients } from "./stalled-clients.ts";

export const checks: readonly Check[] = [
  truncation,
  bitFlips,
  zeroTails,
  reconnects,
  serverKills,
  stalledClients,
  badInputs,
  door,
  protocolModel,
  crowd,
];

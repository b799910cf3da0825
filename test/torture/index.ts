/** Every check, in the order of the table. A new one is a file and a line here. */
import { badFiles } from "./bad-files.ts";
import { badInputs } from "./bad-inputs.ts";
import type { Check } from "./check.ts";
import { company } from "./company.ts";
import { crowd } from "./crowd.ts";
import { bitFlips, truncation, zeroTails } from "./damage.ts";
import { diskFaults } from "./disk-faults.ts";
import { door } from "./door.ts";
import { forks } from "./forks.ts";
import { kill } from "./kill.ts";
import { protocolModel } from "./protocol-model.ts";
import { reconnects } from "./reconnects.ts";
import { recover } from "./recover.ts";
import { seeks } from "./seeks.ts";
import { serverKills } from "./server-kills.ts";
import { soak } from "./soak.ts";
import { stalledClients } from "./stalled-clients.ts";

export const checks: readonly Check[] = [
  kill,
  truncation,
  bitFlips,
  zeroTails,
  badFiles,
  recover,
  diskFaults,
  seeks,
  soak,
  reconnects,
  serverKills,
  stalledClients,
  badInputs,
  door,
  protocolModel,
  company,
  crowd,
  forks,
];

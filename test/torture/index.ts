/** Every check, in the order of the table. A new one is a file and a line here. */

import { badFiles } from "./bad-files.ts";
import type { Check } from "./check.ts";
import { bitFlips, truncation, zeroTails } from "./damage.ts";
import { diskFaults } from "./disk-faults.ts";
import { kill } from "./kill.ts";
import { recover } from "./recover.ts";
import { seeks } from "./seeks.ts";
import { soak } from "./soak.ts";

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
];

/** Every check, in the order of the table. A new one is a file and a line here. */
import type { Check } from "./check.ts";
import { bitFlips, truncation, zeroTails } from "./damage.ts";

export const checks: readonly Check[] = [truncation, bitFlips, zeroTails];

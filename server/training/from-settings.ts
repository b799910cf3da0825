/** Training in one call, for programs that use Thalweg as a library. */
import { openBackend } from "../backends/select.ts";
import { createBlueprint } from "./blueprint.ts";
import type { RunSettings } from "./config.ts";
import { expectFiles } from "./data/load-dataset.ts";
import { lookAtFiles } from "./look-at-files.ts";
import { openRun } from "./open-run.ts";
import { parseSettings } from "./parse-settings.ts";
import { resolveSettings } from "./resolve.ts";
import type { Training } from "./run.ts";
import { createTraining } from "./train.ts";
import { UserError } from "./user-error.ts";

/**
 * Everything not said comes from the preset `edge`. Nothing is trained until `steps$` is subscribed to; `dispose` frees what it holds.
 *
 * @cost reads the data, and tests the backend on a tiny network.
 * @throws {UserError} when settings or data cannot be. @throws {BackendError} for a backend that does not load.
 * @throws {EngineError} for a model that cannot be computed.
 */
export async function train(settings: RunSettings = {}): Promise<Training> {
  const parsed = parseSettings(settings);
  const resolved = parsed.ok ? resolveSettings(parsed.settings, await lookAtFiles(parsed.settings)) : parsed;
  if (!resolved.ok) throw new UserError("settings", resolved.problems.join("; "));
  await expectFiles(resolved.config.dataset);
  const backend = await openBackend(resolved.config.backend, { allowNative: true });
  return createTraining(openRun(await createBlueprint(resolved.config), backend));
}

/** From settings to a run that can be started: resolved over a preset, or over the session that it is forked from. */
import { resolve } from "node:path";
import { openRecording } from "../session/recorded-session.ts";
import type { Session } from "../session/session.ts";
import { readFork } from "../threads/fork-point.ts";
import type { LiveSessionOptions } from "../threads/start-live-session.ts";
import type { RunSettings } from "../training/config.ts";
import { settingsBesideModule } from "../training/fork.ts";
import { expectModule } from "../training/import-module.ts";
import { lookAtFiles } from "../training/look-at-files.ts";
import { resolveSettings } from "../training/resolve.ts";
import { UserError } from "../training/user-error.ts";
import { findRecording } from "./find-recording.ts";

export type PlannedRun = Pick<LiveSessionOptions, "config" | "module" | "fork">;

/** A session to fork, and what to do when it has been read. */
export interface Parent {
  readonly session: Session;
  release(): Promise<void>;
}

/**
 * @param modulePath  a user's module, or undefined for a built-in task.
 * @param openParent  finds the session that `fork` names.
 * @throws {UserError} and {RecordingError} for what the user can put right.
 */
export async function planRun(
  settings: RunSettings,
  modulePath: string | undefined,
  openParent: (named: string) => Promise<Parent>,
): Promise<PlannedRun> {
  const { fork: named, atStep, ...given } = settings;
  const path = modulePath === undefined ? null : resolve(modulePath);
  if (modulePath !== undefined) await expectModule(modulePath);
  if (named === undefined) {
    const resolved = resolveSettings(settings, path === null ? await lookAtFiles(settings) : null);
    if (!resolved.ok) throw new UserError("settings", resolved.problems.join("\n"));
    return { config: resolved.config, module: path === null ? null : { path, settings }, fork: null };
  }
  if (atStep === undefined) {
    throw new UserError("settings", "at-step: expected the step at which the fork begins, got none");
  }
  const { session, release } = await openParent(named);
  try {
    const { task, probe, name } = session.header;
    if (task === "own" && path === null)
      throw new UserError(
        "data-absent",
        `fork: expected the module of ${name} too (thalweg train <module> --fork …), because its data (${probe.dataset}) are in no recording`,
      );
    if (task !== "own" && path !== null)
      throw new UserError(
        "settings",
        `module: expected none, because ${name} has the built-in task ${task}, got ${modulePath}`,
      );
    const { config, fork } = await readFork(session, atStep, given);
    return { config, module: path === null ? null : { path, settings: settingsBesideModule(config) }, fork };
  } finally {
    await release();
  }
}

/** A recording by its path, or by the beginning of its session's id in the folder of recordings. */
export async function openParent(named: string, recordings: string): Promise<Parent> {
  const session = await openRecording(await findRecording("fork", named, { recordings }));
  return { session, release: () => session.close() };
}

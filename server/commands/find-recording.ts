/** A recording as people name it: its file, or as much of its id's beginning as only one of a folder has. */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Catalogue } from "../session/catalogue.ts";
import { UserError } from "../training/user-error.ts";

const FOLDER = "recordings";

/** Of commands that look for recordings. */
export interface FolderFlag {
  readonly recordings?: unknown;
}

/** The folder that `--recordings` names. */
export function catalogueOf({ recordings }: FolderFlag): Catalogue {
  return new Catalogue(resolve(String(recordings ?? FOLDER)));
}

/**
 * @param command  for the sentence. What looks like a file is one, also where there is none: opening it says so.
 * @throws {UserError} `unknown-session`.
 */
export async function findRecording(command: string, which: string, flags: FolderFlag): Promise<string> {
  const isFile = /\.mcap$|[/\\]/.test(which) || (await stat(which).catch(() => null)) !== null;
  if (isFile) return which;
  const catalogue = catalogueOf(flags);
  const found = (await catalogue.recordings()).filter(({ summary }) => summary.id.startsWith(which));
  const [only] = found;
  if (only !== undefined && found.length === 1) return join(catalogue.folder, only.file);
  const got =
    found.length === 0
      ? `"${which}", which none in ${catalogue.folder} has`
      : `"${which}", which ${found.length} have`;
  throw new UserError(
    "unknown-session",
    `${command}: expected a file, or the id of one recording, got ${got}`,
  );
}

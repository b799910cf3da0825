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
 * @param command  for the sentence. A name without a folder may be that of a file here, or of one in the folder of recordings.
 * @throws {UserError} `unknown-session`. What looks like a path is one, also where there is none: opening it says so.
 */
export async function findRecording(command: string, which: string, flags: FolderFlag): Promise<string> {
  if (/[/\\]/.test(which) || (await isFile(which))) return which;
  const catalogue = catalogueOf(flags);
  const inFolder = join(catalogue.folder, which);
  if (await isFile(inFolder)) return inFolder;
  if (which.endsWith(".mcap"))
    throw new UserError(
      "unknown-session",
      `${which}: there is no such file here, nor in ${catalogue.folder}`,
    );
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

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}

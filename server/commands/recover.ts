/** `thalweg recover <file>`: what is intact of a recording that was cut or damaged, as a whole one. */
import { count, whole } from "../../shared/number-words.ts";
import { type Recovered, recoverRecording } from "../recording/recover.ts";
import { mayBeWritten, SILENT_MS } from "../session/heartbeat.ts";

/** Exit code 0, also where there was nothing to do. */
export async function recoverCommand(
  path: string,
  { out, json }: { readonly out?: string; readonly json?: boolean },
): Promise<void> {
  const isFresh = await mayBeWritten(path, "interrupted");
  const recovered = await recoverRecording(path, out ?? defaultOut(path));
  if (isFresh && recovered.dropped !== null)
    console.error(
      `thalweg: ${path} was written to in the last ${SILENT_MS / 1000} s: if it still is being written, what comes from now on is not in the copy`,
    );
  console.log(json === true ? JSON.stringify(recovered, null, 2) : sentences(path, recovered).join("\n"));
}

function defaultOut(path: string): string {
  return path.replace(/(\.mcap)?$/, ".recovered.mcap");
}

function sentences(path: string, { events, lastSeq, lastStep, dropped, files }: Recovered): string[] {
  const held =
    events === 0 ? "no event" : `${count(events, "event")}, up to seq ${lastSeq}, step ${whole(lastStep)}`;
  if (dropped === null) return [`${path} is whole: ${held}. Nothing was written.`];
  const bytes = dropped.bytes === 0 ? "nothing but its end was missing" : count(dropped.bytes, "byte");
  return [`kept       ${held}`, `dropped    ${bytes}: ${dropped.fault}`, `written    ${files.join(", ")}`];
}

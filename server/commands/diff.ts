/** `thalweg diff a b`: do two recordings hold the same samples, to the last bit? */
import { count, whole } from "../../shared/number-words.ts";
import { type ChannelDiff, diffSessions, type SessionDiff } from "../session/diff.ts";
import { openRecording } from "../session/recorded-session.ts";
import { type FolderFlag, findRecording } from "./find-recording.ts";

/** Exit code 0 when equal, 1 when not, as `diff` has it. */
export async function diffCommand(
  nameA: string,
  nameB: string,
  { json, ...folder }: FolderFlag & { readonly json?: boolean },
): Promise<void> {
  const [pathA, pathB] = [
    await findRecording("diff", nameA, folder),
    await findRecording("diff", nameB, folder),
  ];
  const [a, b] = await Promise.all([openRecording(pathA), openRecording(pathB)]);
  const found = await diffSessions(a, b);
  await Promise.all([a.close(), b.close()]);
  console.log(json === true ? JSON.stringify(found, null, 2) : sentences(found).join("\n"));
  if (!found.isEqual) process.exitCode = 1;
}

function sentences({ isEqual, channels, setup, afterStep }: SessionDiff): string[] {
  const setups = [
    ...(afterStep === null
      ? []
      : [`one is forked from the other, or both from a third: compared after step ${whole(afterStep)}`]),
    ...setup.map(({ part, a, b }) => `${part} differs: ${a} | ${b}`),
  ];
  if (isEqual) {
    const equal = channels.reduce((sum, channel) => sum + channel.equal, 0);
    return [
      ...setups,
      `equal: ${count(equal, "sample")} on ${channels.length} channels (times and run/overhead do not count)`,
    ];
  }
  return [...setups, ...channels.filter(differs).flatMap(channelLines)];
}

function differs({ different, onlyInA, onlyInB }: ChannelDiff): boolean {
  return different + onlyInA + onlyInB > 0;
}

function channelLines({ channel, equal, different, onlyInA, onlyInB, first }: ChannelDiff): string[] {
  return [
    `${channel}: ${whole(different)} different, ${whole(onlyInA)} only in a, ${whole(onlyInB)} only in b, ${whole(equal)} equal`,
    ...first.map(({ step, a, b }) => `  step ${whole(step)}: ${a ?? "—"} | ${b ?? "—"}`),
  ];
}

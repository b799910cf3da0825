/** What `thalweg info` says of a recording. */
import { stat } from "node:fs/promises";
import { count, whole } from "../../shared/number-words.ts";
import { standing } from "../../shared/session-words.ts";
import { mayBeWritten, SILENT_MS } from "../session/heartbeat.ts";
import type { RecordedSession } from "../session/recorded-session.ts";
import { summarise } from "../session/session.ts";
import { sizeText } from "./quantities.ts";

const ALL_AT_ONCE = { maxEvents: 65_536, maxBytes: 4 * 2 ** 20 };

export interface RecordingDescription {
  readonly lines: readonly (readonly [string, string])[];
  readonly json: unknown;
}

/** @param isLive  a server is writing it: that it has no end is no news then. */
export async function describeRecording(
  session: RecordedSession,
  isLive: boolean,
): Promise<RecordingDescription> {
  const { header, status, fault, recordingPath } = session;
  const { size } = await stat(recordingPath);
  const samples = await samplesByChannel(session);
  const state = isLive
    ? "live"
    : (await mayBeWritten(recordingPath, status.reason))
      ? `being written, or cut off less than ${SILENT_MS / 1000} s ago`
      : standing(summarise(session));
  const { probe, train, versions, seeds } = header;
  const counts = header.channels.map(({ name }, channel) => ({
    channel: name,
    samples: samples[channel] ?? 0,
  }));
  return {
    lines: [
      ["title", header.name],
      ["id", header.id],
      ["file", `${recordingPath} (${sizeText(size)})`],
      ["started", new Date(header.startedAtMs).toISOString()],
      [
        "state",
        `${state}, step ${whole(status.step)} of ${whole(header.steps)}, ${count(status.headSeq + 1, "event")}`,
      ],
      ...(fault === null || isLive ? [] : [["intact", `up to ${fault}`] as const]),
      ["model", `${header.modelSummary}, ${count(header.parameterCount, "parameter")}`],
      ["loss", `${header.loss.name}: ${header.loss.formula}`],
      ["optimizer", JSON.stringify(header.optimizer)],
      [
        "data",
        `${train.dataset}, ${count(train.size, "example")}, batch ${train.fullBatch ? "full" : whole(train.batchSize)}`,
      ],
      ["probe", `${whole(probe.size)} of ${probe.split}, sha256 ${probe.sha256.slice(0, 16)}…`],
      [
        "seeds",
        Object.entries(seeds)
          .map(([name, seed]) => `${name} ${seed}`)
          .join(", "),
      ],
      ["backend", header.backend],
      [
        "versions",
        Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", "),
      ],
      ...counts.map(
        ({ channel, samples: held }) => ["samples", `${whole(held).padStart(9)}  ${channel}`] as const,
      ),
    ],
    json: { file: recordingPath, sizeBytes: size, live: isLive, fault, status, samples: counts, header },
  };
}

async function samplesByChannel(session: RecordedSession): Promise<readonly number[]> {
  const { channels } = session.header;
  const counts = channels.map(() => 0);
  // Heavy ones are counted by their steps: decoding every θ to count it would take a minute.
  const light = channels.flatMap(({ encoding }, channel) => (encoding === "f32" ? [] : [channel]));
  const cursor = session.cursor({ channels: new Set(light), from: 0 });
  while (cursor.position <= session.status.headSeq) {
    for (const { channel } of await cursor.read(ALL_AT_ONCE)) counts[channel] = (counts[channel] ?? 0) + 1;
  }
  cursor.close();
  for (const [channel, count] of session.thetaCounts) counts[channel] = count;
  return counts;
}

/** A recording's events in memory, to be changed and written again, by the same writer and with right checksums. */
import { WeightEncoder } from "../../server/recording/weight-codec.ts";
import { SessionLog } from "../../server/session/log.ts";
import { openRecording } from "../../server/session/recorded-session.ts";
import type { SessionHeader } from "../../shared/header.ts";
import { decodeValue, encodeValue, type Json } from "../../shared/value.ts";
import { readAll } from "./read-all.ts";

export interface Entry {
  readonly channel: string;
  readonly step: number;
  value: unknown;
}

export interface Readout {
  readonly header: SessionHeader;
  readonly entries: readonly Entry[];
}

export async function readRecording(path: string): Promise<Readout> {
  const session = await openRecording(path);
  const events = await readAll(session);
  await session.close();
  const { header } = session;
  const entries = events.map(({ channel, step, json, data }) => ({
    channel: header.channels[channel]?.name ?? "",
    step,
    value: json === undefined ? data : decodeValue(JSON.parse(json) as Json),
  }));
  return { header, entries };
}

/** @param end  "cut": as a killed server leaves it, in several chunks and without an end. */
export async function writeRecording(
  path: string,
  { header, entries }: Readout,
  end: "finished" | "cut" = "finished",
): Promise<void> {
  const log = await SessionLog.create({ header, path });
  const encoder = new WeightEncoder(header.parameterCount);
  for (const [i, { channel, step, value }] of entries.entries()) {
    if (end === "cut" && i % 50 === 0) await log.flush();
    const index = header.channels.findIndex(({ name }) => name === channel);
    if (value instanceof Float32Array) log.append(index, step, { weights: encoder.encode(value) });
    else if (value instanceof Uint8Array) log.append(index, step, { bytes: value });
    else log.append(index, step, { json: encodeValue(value) });
  }
  if (end === "finished") await log.finish("finished");
  await log.close();
}

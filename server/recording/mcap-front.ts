/** The start of an MCAP file of ours, and what its summary repeats of it. */
import { crc32 } from "node:zlib";
import { nanosOfMs } from "../../shared/frame.ts";
import type { SessionHeader } from "../../shared/header.ts";
import type { StreamDescriptor } from "../../shared/stream.ts";
import { ByteWriter, MCAP_MAGIC, OPCODE } from "./mcap-records.ts";
import { MESSAGE_ENCODING } from "./message.ts";
import { PART_ATTACHMENT, type Part } from "./part.ts";

export const PROFILE = "thalweg";
/** The session header, as an attachment: of the records that may stand first, the one with a checksum. */
export const HEADER_ATTACHMENT = "thalweg.session.json";

/** A place in the file, for the index at its end. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

export interface AttachmentPlace extends Place {
  readonly name: string;
  readonly dataSize: number;
}

export interface Front {
  readonly bytes: Uint8Array;
  readonly attachments: readonly AttachmentPlace[];
}

/** What stands before the first chunk: which session this is, its channels, and which part of it. */
export function encodeFront(header: SessionHeader, part: Part | null): Front {
  const out = new ByteWriter();
  out.raw(MCAP_MAGIC);
  const library = `thalweg ${header.versions["thalweg"] ?? "of an unnamed version"}`;
  out.record(OPCODE.header, () => out.string(PROFILE).string(library));
  const nanos = nanosOfMs(header.startedAtMs);
  const attach = (name: string, content: unknown): AttachmentPlace => {
    const data = Buffer.from(JSON.stringify(content));
    const offset = out.record(OPCODE.attachment, () => {
      const start = out.length;
      out.u64(nanos).u64(nanos).string(name).string("application/json");
      out.u64(data.byteLength).raw(data);
      out.u32(crc32(out.bytes.subarray(start)));
    });
    return { name, offset, length: out.length - offset, dataSize: data.byteLength };
  };
  const attachments = [
    attach(HEADER_ATTACHMENT, header),
    ...(part === null ? [] : [attach(PART_ATTACHMENT, part)]),
  ];
  encodeSchemas(out, header.channels);
  encodeChannels(out, header.channels);
  return { bytes: out.bytes, attachments };
}

/** A schema's id is its channel's number + 1: 0 means "none", which is what binary channels have. */
export function schemaIds(channels: readonly StreamDescriptor[]): number[] {
  return channels.flatMap(({ encoding }, channel) => (encoding === "json" ? [channel + 1] : []));
}

export function encodeSchemas(out: ByteWriter, channels: readonly StreamDescriptor[]): void {
  for (const id of schemaIds(channels)) {
    const { name, title, unit } = channels[id - 1] as StreamDescriptor;
    const schema = Buffer.from(
      JSON.stringify({
        type: "object",
        title: name,
        properties: {
          step: { type: "integer", minimum: 0, description: "Optimizer updates before this sample." },
          value: {
            description: `${title} [${unit}]. NaN and ±Infinity are the strings "NaN", "Infinity", "-Infinity".`,
          },
        },
        required: ["step", "value"],
      }),
    );
    out.record(OPCODE.schema, () => {
      out.u16(id).string(name).string("jsonschema").u32(schema.byteLength).raw(schema);
    });
  }
}

export function encodeChannels(out: ByteWriter, channels: readonly StreamDescriptor[]): void {
  channels.forEach(({ name, encoding, title, about, unit }, channel) => {
    out.record(OPCODE.channel, () => {
      out.u16(channel).u16(encoding === "json" ? channel + 1 : 0);
      out.string(name).string(MESSAGE_ENCODING[encoding]).map({ title, about, unit });
    });
  });
}

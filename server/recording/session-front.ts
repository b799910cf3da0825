/** The start of a recording: is it one, can this version read it, and which session is it? */
import { crc32 } from "node:zlib";
import * as z from "zod/mini";
import { legible, SessionHeader } from "../../shared/header.ts";
import { type FileRecord, type FileWindow, readBody, readStrings, recordAtOffset } from "./file-window.ts";
import { HEADER_ATTACHMENT, PROFILE } from "./mcap-front.ts";
import { MCAP_MAGIC, OPCODE } from "./mcap-records.ts";
import { PART_ATTACHMENT, type Part, parsePart } from "./part.ts";
import { RecordingError } from "./recording-error.ts";

export interface Front {
  readonly header: SessionHeader;
  /** null: the first part, or the only one. */
  readonly part: Part | null;
  /** Where the rest begins. */
  readonly end: number;
}

/** @throws {RecordingError} `not-a-recording`, `newer-version`, `cut`, `damaged`. */
export async function readFront(window: FileWindow, path: string): Promise<Front> {
  await checkMagic(window, path);
  const first = await frontRecord(window, MCAP_MAGIC.byteLength, path);
  await checkProfile(window, first, path);
  const second = await frontRecord(window, first.end, path);
  const header = await readHeader(window, second, path);
  const third = await recordAtOffset(window, second.end);
  const isAttachment = typeof third !== "string" && third.opcode === OPCODE.attachment;
  const attachment = isAttachment ? await readAttachment(window, third) : null;
  const isPart = attachment?.name === PART_ATTACHMENT;
  if (!isPart) return { header, part: null, end: second.end };
  if (attachment.data === null) throw otherChecksum(path, PART_ATTACHMENT);
  return { header, part: parsePart(attachment.data, path), end: (third as FileRecord).end };
}

async function frontRecord(window: FileWindow, offset: number, path: string): Promise<FileRecord> {
  const record = await recordAtOffset(window, offset);
  if (typeof record !== "string") return record;
  throw new RecordingError("cut", `${path}: expected a session header, got ${record}`);
}

async function checkMagic(window: FileWindow, path: string): Promise<void> {
  const start = await window.read(0, Math.min(window.size, MCAP_MAGIC.byteLength));
  if (!start.equals(MCAP_MAGIC.subarray(0, start.byteLength)) || start.byteLength === 0) {
    const got = start.byteLength === 0 ? "an empty file" : `a file that begins with ${start.toString("hex")}`;
    throw new RecordingError("not-a-recording", `${path}: expected a recording (MCAP), got ${got}`);
  }
  if (start.byteLength < MCAP_MAGIC.byteLength) {
    throw new RecordingError(
      "cut",
      `${path}: expected a session header, got a file of ${start.byteLength} bytes`,
    );
  }
}

async function checkProfile(window: FileWindow, record: FileRecord, path: string): Promise<void> {
  const strings = record.opcode === OPCODE.header ? readStrings(await readBody(window, record)) : null;
  if (strings?.[0] === PROFILE) return;
  const got = strings === null ? "no MCAP header" : `profile ${JSON.stringify(legible(strings[0] ?? ""))}`;
  throw new RecordingError(
    "not-a-recording",
    `${path}: expected an MCAP file of profile "${PROFILE}", got ${got}`,
  );
}

async function readHeader(window: FileWindow, record: FileRecord, path: string): Promise<SessionHeader> {
  const attachment = record.opcode === OPCODE.attachment ? await readAttachment(window, record) : null;
  if (attachment?.name !== HEADER_ATTACHMENT) {
    throw new RecordingError("damaged", `${path}: expected ${HEADER_ATTACHMENT} first, got another record`);
  }
  if (attachment.data === null) throw otherChecksum(path, HEADER_ATTACHMENT);
  return parseHeader(attachment.data.toString("utf8"), path);
}

/** null: no attachment at all; without data: not as it was written. */
async function readAttachment(
  window: FileWindow,
  record: FileRecord,
): Promise<{ readonly name: string; readonly data: Buffer | null } | null> {
  const body = await readBody(window, record);
  const nameAt = 16;
  const [name, mediaType] = readStrings(body.subarray(nameAt), 2) ?? [];
  if (name === undefined || mediaType === undefined) return null;
  const dataAt = nameAt + 8 + Buffer.byteLength(name + mediaType) + 8;
  const crcAt = body.byteLength - 4;
  const isIntact = crcAt >= dataAt && crc32(body.subarray(0, crcAt)) === body.readUInt32LE(crcAt);
  return { name, data: isIntact ? body.subarray(dataAt, crcAt) : null };
}

function otherChecksum(path: string, name: string): RecordingError {
  return new RecordingError("damaged", `${path}: expected ${name} intact, got another checksum`);
}

function parseHeader(text: string, path: string): SessionHeader {
  const raw: unknown = parseJson(text);
  const version =
    typeof raw === "object" && raw !== null && "formatVersion" in raw ? raw.formatVersion : undefined;
  if (typeof version === "number" && version > 1) {
    throw new RecordingError(
      "newer-version",
      `${path}: expected format version 1, got ${version}; update thalweg to read it`,
    );
  }
  const header = SessionHeader.safeParse(raw, { error: z.locales.en().localeError });
  if (header.success) return header.data;
  const issue = header.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? "header" : legible(issue.path.join("."));
  throw new RecordingError(
    "not-a-recording",
    `${path}: ${where}: ${issue?.message ?? "not a session header"}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The start of a recording: is it one, can this version read it, and which session is it? */
import { crc32 } from "node:zlib";
import { SessionHeader } from "../../shared/header.ts";
import { type FileRecord, type FileWindow, readBody, readStrings, recordAtOffset } from "./file-window.ts";
import { MCAP_MAGIC, OPCODE } from "./mcap-records.ts";
import { HEADER_ATTACHMENT, PROFILE } from "./mcap-writer.ts";
import { RecordingError } from "./recording-error.ts";

export interface Front {
  readonly header: SessionHeader;
  /** Where the rest begins. */
  readonly end: number;
}

/** @throws {RecordingError} `not-a-recording`, `newer-version`, `cut`, `damaged`. */
export async function readFront(window: FileWindow, path: string): Promise<Front> {
  await checkMagic(window, path);
  const first = await frontRecord(window, MCAP_MAGIC.byteLength, path);
  await checkProfile(window, first, path);
  const second = await frontRecord(window, first.end, path);
  return { header: await readHeader(window, second, path), end: second.end };
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
  const got = strings === null ? "no MCAP header" : `profile "${strings[0] ?? ""}"`;
  throw new RecordingError(
    "not-a-recording",
    `${path}: expected an MCAP file of profile "${PROFILE}", got ${got}`,
  );
}

async function readHeader(window: FileWindow, record: FileRecord, path: string): Promise<SessionHeader> {
  const body = record.opcode === OPCODE.attachment ? await readBody(window, record) : null;
  const nameAt = 16;
  const strings = body === null ? null : readStrings(body.subarray(nameAt), 2);
  if (body === null || strings === null || strings[0] !== HEADER_ATTACHMENT) {
    throw new RecordingError("damaged", `${path}: expected ${HEADER_ATTACHMENT} first, got another record`);
  }
  const dataAt = nameAt + 8 + Buffer.byteLength(strings.join("")) + 8;
  const crcAt = body.byteLength - 4;
  if (crcAt < dataAt || crc32(body.subarray(0, crcAt)) !== body.readUInt32LE(crcAt)) {
    throw new RecordingError(
      "damaged",
      `${path}: expected ${HEADER_ATTACHMENT} intact, got another checksum`,
    );
  }
  return parseHeader(body.toString("utf8", dataAt, crcAt), path);
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
  const header = SessionHeader.safeParse(raw);
  if (header.success) return header.data;
  const issue = header.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? "header" : issue.path.join(".");
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

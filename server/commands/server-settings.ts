/** What can be said about the server beside the run: the same keys as flags and in a config file. */
import { readFile } from "node:fs/promises";
import * as z from "zod/mini";
import type { LogKeeping } from "../session/log.ts";
import type { FailurePolicy, SyncPolicy } from "../session/log-writer.ts";
import type { RunSettings } from "../training/config.ts";
import { nearestName } from "../training/nearest-name.ts";
import { parseSettings, shown } from "../training/parse-settings.ts";
import { flagName, SETTING_FLAGS } from "../training/settings-flags.ts";
import { inOneLine, UserError } from "../training/user-error.ts";
import { parseSize } from "./quantities.ts";

export interface ServerSettings {
  readonly port?: number;
  readonly host?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
  readonly tokenFile?: string;
  readonly readTokenFile?: string;
  readonly recordings?: string;
  readonly recordingsLimit?: string | number;
  readonly record?: boolean;
  readonly sync?: SyncPolicy;
  readonly onRecordFailure?: FailurePolicy;
  readonly segmentSize?: string | number;
  readonly open?: boolean;
  readonly allowOrigin?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly allowFrame?: readonly string[];
}

interface ServerFlag {
  readonly key: keyof ServerSettings;
  readonly flags: string;
  readonly help: string;
  readonly expected: string;
  readonly schema: z.core.$ZodType;
  read?(text: string, previous?: unknown): unknown;
}

const LEAST_SEGMENT_BYTES = 64 * 2 ** 10;

const size = (least: number) =>
  z.union([z.string(), z.number()]).check(z.refine((given) => (parseSize(given) ?? 0) >= least));

/** How recordings are kept, as far as it was said. */
export function keepingOf({ sync, onRecordFailure, segmentSize }: ServerSettings): LogKeeping {
  const partBytes = segmentSize === undefined ? null : parseSize(segmentSize);
  return {
    ...(sync === undefined ? {} : { sync }),
    ...(onRecordFailure === undefined ? {} : { onFailure: onRecordFailure }),
    ...(partBytes === null ? {} : { partBytes }),
  };
}

const listed = (text: string, previous?: unknown): unknown => [
  ...((previous as string[] | undefined) ?? []),
  text,
];

export const SERVER_FLAGS: readonly ServerFlag[] = [
  {
    key: "port",
    flags: "--port <n>",
    help: "port to listen on; without it 4242 or the next free one",
    expected: "a whole number from 0 to 65535",
    schema: z.int().check(z.gte(0), z.lte(65_535)),
    read: (text) => (text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text)),
  },
  {
    key: "host",
    flags: "--host <address>",
    help: "address to listen on (127.0.0.1); one that others can reach asks for TLS, or --insecure",
    expected: "an address of this machine",
    schema: z.string().check(z.minLength(1)),
  },
  {
    key: "tlsCert",
    flags: "--tls-cert <file>",
    help: "certificate, with its chain, in PEM: https and wss",
    expected: "a file",
    schema: z.string().check(z.minLength(1)),
  },
  {
    key: "tlsKey",
    flags: "--tls-key <file>",
    help: "its private key, in PEM",
    expected: "a file",
    schema: z.string().check(z.minLength(1)),
  },
  {
    key: "insecure",
    flags: "--insecure",
    help: "listen on --host without TLS: tokens and data travel unencrypted",
    expected: "true or false",
    schema: z.boolean(),
  },
  {
    key: "tokenFile",
    flags: "--token-file <file>",
    help: "file with the access token; else THALWEG_TOKEN, else a new one at each start",
    expected: "a file",
    schema: z.string().check(z.minLength(1)),
  },
  {
    key: "readTokenFile",
    flags: "--read-token-file <file>",
    help: "file with a token that may only read; else THALWEG_READ_TOKEN, else there is none",
    expected: "a file",
    schema: z.string().check(z.minLength(1)),
  },
  {
    key: "recordings",
    flags: "--recordings <folder>",
    help: "the folder of recordings (recordings)",
    expected: "a folder",
    schema: z.string().check(z.minLength(1)),
  },
  {
    key: "recordingsLimit",
    flags: "--recordings-limit <size>",
    help: "say so when the recordings take more than this (10GiB)",
    expected: "a size like 10GiB",
    schema: size(1),
  },
  {
    key: "record",
    flags: "--no-record",
    help: "keep only a bounded temporary log, deleted on exit",
    expected: "true or false",
    schema: z.boolean(),
  },
  {
    key: "sync",
    flags: "--sync <when>",
    help: "when the disk must have it: interval (1 s or 16 MiB), chunk (before anyone sees it), os (interval)",
    expected: "interval, chunk or os",
    schema: z.enum(["interval", "chunk", "os"]),
  },
  {
    key: "onRecordFailure",
    flags: "--on-record-failure <what>",
    help: "when the disk takes nothing: pause training until it does, or continue unrecorded (pause)",
    expected: "pause or continue",
    schema: z.enum(["pause", "continue"]),
  },
  {
    key: "segmentSize",
    flags: "--segment-size <size>",
    help: "a recording goes on in another file after this much, as 64MiB or 2GiB (1GiB)",
    expected: "a size from 64KiB on, as 64MiB or 2GiB",
    schema: size(LEAST_SEGMENT_BYTES),
  },
  {
    key: "open",
    flags: "--open",
    help: "open the dashboard in the browser",
    expected: "true or false",
    schema: z.boolean(),
  },
  {
    key: "allowOrigin",
    flags: "--allow-origin <origin>",
    help: "web page origin that may use the socket; repeatable",
    expected: "a list of origins",
    schema: z.array(z.string()),
    read: listed,
  },
  {
    key: "allowHost",
    flags: "--allow-host <name>",
    help: "further Host name this server answers to; repeatable",
    expected: "a list of host names",
    schema: z.array(z.string()),
    read: listed,
  },
  {
    key: "allowFrame",
    flags: "--allow-frame <origin>",
    help: "web page origin that may show the dashboard in a frame; repeatable",
    expected: "a list of origins like https://wiki.example",
    schema: z.array(z.string().check(z.regex(/^https?:\/\/[^\s;,'"]+$/))),
    read: listed,
  },
];

export interface Settings {
  readonly run: RunSettings;
  readonly server: ServerSettings;
}

/**
 * Flags over the config file.
 * @throws {UserError} `settings` with one line for each problem, `config-missing`, `config-unreadable`.
 */
export async function readSettings(flags: Readonly<Record<string, unknown>>): Promise<Settings> {
  const { config, ...given } = flags;
  const fromFile = typeof config === "string" ? await readConfig(config) : {};
  return splitSettings({ ...fromFile, ...given });
}

function splitSettings(all: Readonly<Record<string, unknown>>): Settings {
  const server: Record<string, unknown> = {};
  const run: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, value] of Object.entries(all)) {
    const known = SERVER_FLAGS.find((flag) => flag.key === key);
    if (known !== undefined) {
      if (z.safeParse(known.schema, value).success) server[key] = value;
      else problems.push(`${flagName(key)}: expected ${known.expected}, got ${shown(value)}`);
    } else if (SETTING_FLAGS.some((flag) => flag.key === key)) {
      run[key] = value;
    } else {
      const meant = nearestName(
        key,
        [...SERVER_FLAGS, ...SETTING_FLAGS].map((flag) => flag.key),
      );
      problems.push(`${key}: unknown setting${meant === null ? "" : `; did you mean ${meant}?`}`);
    }
  }
  const parsed = parseSettings(run);
  if (!parsed.ok) problems.push(...parsed.problems);
  if (!parsed.ok || problems.length > 0) throw new UserError("settings", problems.join("\n"));
  return { run: parsed.settings, server };
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new UserError(
      "config-missing",
      `config: ${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
    );
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
    throw new Error(`expected an object, got ${shown(value)}`);
  } catch (cause) {
    throw new UserError("config-unreadable", `config: ${path} is not a JSON object (${inOneLine(cause)})`);
  }
}

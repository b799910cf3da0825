/** What can be wrong with a recording or with the disk under it: a stable code, and one sentence for people. */
export type RecordingErrorCode =
  | "not-found"
  | "unreadable"
  | "not-a-recording"
  | "newer-version"
  | "later-part"
  | "cut"
  | "damaged"
  | "exists"
  | "not-finished"
  | "too-large"
  | "disk-full"
  | "disk-error";

export class RecordingError extends Error {
  override readonly name = "RecordingError";
  readonly code: RecordingErrorCode;

  constructor(code: RecordingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const CODES: Readonly<Record<string, RecordingErrorCode>> = {
  ENOENT: "not-found",
  ENOTDIR: "not-found",
  EEXIST: "exists",
  EACCES: "unreadable",
  EPERM: "unreadable",
  EISDIR: "not-a-recording",
  ENOSPC: "disk-full",
  EDQUOT: "disk-full",
};

const SENTENCES: Readonly<Partial<Record<RecordingErrorCode, string>>> = {
  "not-found": "there is no such file or folder",
  exists: "the file exists already and is not overwritten",
  unreadable: "permission denied",
  "not-a-recording": "expected a file, got a folder",
  "disk-full": "no space is left on the disk",
};

/** A failed system call as a {@link RecordingError}; anything else is thrown on. */
export function recordingErrorOf(cause: unknown, path: string): RecordingError {
  if (cause instanceof RecordingError) return cause;
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "string") throw cause;
  // Errors of our own have codes too, in small letters: what they say is right already.
  if (!cause.code.startsWith("E")) throw cause;
  const code = CODES[cause.code] ?? "disk-error";
  return new RecordingError(code, `${path}: ${SENTENCES[code] ?? `the disk answered ${cause.code}`}`, {
    cause,
  });
}

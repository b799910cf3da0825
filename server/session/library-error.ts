import type { RecordingErrorCode } from "../recording/recording-error.ts";

/** What cannot be done with a session, or with the file that holds it. The sentence names no folder: it may travel. */
export class LibraryError extends Error {
  override readonly name = "LibraryError";
  readonly code: "unknown-session" | "live" | "no-recording" | RecordingErrorCode;

  constructor(code: LibraryError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function unknownSession(id: string): LibraryError {
  return new LibraryError(
    "unknown-session",
    `session: expected the id of a session of this server, got "${id.slice(0, 64)}"`,
  );
}

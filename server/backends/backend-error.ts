/** The backend that was asked for does not serve here, or none does: what this machine lacks, not a bug. */
export class BackendError extends Error {
  readonly code = "backend-unavailable";

  constructor(message: string) {
    super(message);
    this.name = "BackendError";
  }
}

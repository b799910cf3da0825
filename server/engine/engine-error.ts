/** What a user's model or machine can have wrong: a stable code and one sentence. */
export class EngineError extends Error {
  readonly code:
    | "unsupported-layer"
    | "unknown-loss"
    | "unsupported-loss"
    | "shape-mismatch"
    | "out-of-memory";

  constructor(code: EngineError["code"], message: string) {
    super(message);
    this.name = "EngineError";
    this.code = code;
  }
}

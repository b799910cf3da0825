/**
 * What is wrong in the user's world (a missing file, a value that cannot be), as opposed to a bug of ours:
 * `code` is stable, `message` is one sentence for the user. Nobody needs its stack.
 */
export class UserError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "UserError";
    this.code = code;
  }
}

/** What a parser says, for a sentence of one line: the text that it quotes may have several. */
export function inOneLine(cause: unknown): string {
  return (cause as Error).message.replaceAll(/[\s\p{Cc}]+/gu, " ");
}

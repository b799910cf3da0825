/** A request that gets no answer, and why: `{"error":{"code","message"}}` with the status that belongs to the code. */
import { HTTP_ERRORS, type HttpErrorCode } from "../../shared/http.ts";

export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  /** @param status  of a code that is not the gateway's own. */
  constructor(code: HttpErrorCode, message: string);
  constructor(code: string, message: string, status: number);
  constructor(code: string, message: string, status?: number) {
    super(message);
    this.name = "Refused";
    this.status = status ?? HTTP_ERRORS[code as HttpErrorCode];
    this.code = code;
  }

  get body(): { readonly error: { readonly code: string; readonly message: string } } {
    return { error: { code: this.code, message: this.message } };
  }
}

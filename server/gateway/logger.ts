/** What the gateway needs of a log; pino's Logger is one. Never given a token, a cookie, or a query string. */
export interface GatewayLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silent: GatewayLogger = { info() {}, warn() {}, error() {} };

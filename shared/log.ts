// Structured logs: one JSON line an entry, on stdout. Sole importer of pino. Never hand a body, a key or a token to it.
import pino from "pino";

/** Fields first, then words: `log.info({ instance: uuid }, "started")`. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Log;
}

export function openLog(level: string, fields: Record<string, unknown> = {}): Log {
  return pino({ level, base: fields, timestamp: pino.stdTimeFunctions.isoTime });
}

/** Keeps nothing: for tests and for code that runs before there is a log. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};

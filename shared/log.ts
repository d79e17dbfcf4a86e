// Structured logs: one JSON line an entry, on stdout. Sole importer of pino. Never hand a body, a key or a token to it;
// URLs lose what may be secret in them on their way out, wherever in the line they stand.
import pino from "pino";
import { hideUrlSecrets } from "./urls.ts";

/** Fields first, then words: `log.info({ instance: uuid }, "started")`. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Log;
}

const GATHER_BYTES = 8192;
const GATHER_MS = 50;

/** Where lines go instead of stdout. */
export interface LogSink {
  write(line: string): void;
}

export function openLog(level: string, fields: Record<string, unknown> = {}, sink?: LogSink): Log {
  const options = {
    level,
    base: fields,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: hideUrlSecrets },
  };
  return pino(options, sink ?? gatheredOutput());
}

/** Standard output, many lines at once: a write a line costs more than most requests. A killed process loses the last moment. */
function gatheredOutput(): LogSink {
  const output = pino.destination({ dest: 1, sync: false, minLength: GATHER_BYTES });
  let isWaiting = false;
  process.once("exit", () => output.flushSync());
  function flush(): void {
    isWaiting = false;
    output.flush();
  }
  return {
    write(line) {
      output.write(line);
      if (!isWaiting) setTimeout(flush, GATHER_MS).unref();
      isWaiting = true;
    },
  };
}

/** Keeps nothing: for tests and for code that runs before there is a log. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};

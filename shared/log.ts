// Structured logs: one JSON line an entry, on stdout. Sole importer of pino. Never hand a body, a key or a token to it;
// URLs lose what may be secret in them on their way out, wherever in the line they stand.
import pino from "pino";
import { systemClock } from "./clock.ts";
import { hideUrlSecrets } from "./urls.ts";

/** Fields first, then words: `log.info({ instance: uuid }, "started")`. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** As `info`, at a fifth of its cost: for what every request writes. The message is plain words. */
  often(fields: Plain, message: string): void;
}

export type Plain = Readonly<Record<string, string | number | boolean | null>>;

const INFO = 30;
const GATHER_CHARS = 65_536;
const GATHER_MS = 50;
/** What waits for a slow reader of the log; past it lines are lost. */
const BACKLOG_BYTES = 16 * 1024 * 1024;

/** Where lines go instead of stdout. */
export interface LogSink {
  write(line: string): void;
}

export function openLog(
  level: string,
  fields: Record<string, unknown> = {},
  sink: LogSink = gatheredOutput(),
): Log {
  const time = openTime();
  const options = {
    level,
    base: fields,
    timestamp: () => `,"time":"${time()}"`,
    hooks: { streamWrite: hideUrlSecrets },
  };
  const logger = pino(options, sink);
  const bound = inner(fields);
  return {
    debug: (more, message) => logger.debug(more, message),
    info: (more, message) => logger.info(more, message),
    warn: (more, message) => logger.warn(more, message),
    error: (more, message) => logger.error(more, message),
    often(more, message) {
      if (logger.levelVal > INFO) return;
      const line = `{"level":${INFO},"time":"${time()}"${bound}${inner(more)},"msg":"${message}"}\n`;
      sink.write(hideUrlSecrets(line));
    },
  };
}

/** The fields as they follow others. */
function inner(fields: object): string {
  const text = JSON.stringify(fields);
  return text === "{}" ? "" : `,${text.slice(1, -1)}`;
}

/** The time in ISO 8601, made once a millisecond. */
function openTime(): () => string {
  let at = 0;
  let text = "";
  return function time() {
    const now = Math.round(systemClock.now() * 1000);
    if (now !== at) text = new Date(now).toISOString();
    at = now;
    return text;
  };
}

/** Standard output, many lines at once: a write a line costs more than most requests. A killed process loses the last moment. */
function gatheredOutput(): LogSink {
  const output = pino.destination({ dest: 1, sync: false, maxLength: BACKLOG_BYTES });
  let gathered = "";
  let isWaiting = false;
  function flush(): void {
    if (gathered !== "") output.write(gathered);
    gathered = "";
  }
  function flushLater(): void {
    isWaiting = false;
    flush();
  }
  process.once("exit", () => {
    flush();
    output.flushSync();
  });
  return {
    write(line) {
      gathered += line;
      if (!isWaiting) setTimeout(flushLater, GATHER_MS).unref();
      isWaiting = true;
      if (gathered.length >= GATHER_CHARS) flush();
    },
  };
}

/** Keeps nothing: for tests and for code that runs before there is a log. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  often() {},
};

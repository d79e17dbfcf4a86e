// Writes the body of an answer to a file, in pieces large enough to be fast and few enough to be small in memory, and has
// it hashed meanwhile. Not synced: whoever puts the file in its place does that.
import { type FileHandle, open } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { CloudError } from "../../errors.ts";
import type { Digester } from "./digest.ts";
import type { Digests, DownloadOptions } from "./http.ts";

const PIECE_BYTES = 2 ** 20;

interface Saving {
  /** The file keeps so many bytes of what it has, and is cut behind them. */
  readonly start: number;
  /** Of the whole file; null where the server does not say. */
  readonly total: number | null;
  readonly limits: Pick<DownloadOptions, "max_bytes" | "slowest" | "digests" | "progress" | "signal">;
  readonly digester: Digester;
  /** Told of what is in the file for certain. */
  readonly written: (bytes: number) => void;
}

/** Bytes of the stretch of time that is under way. */
interface Meter {
  came: number;
}

export async function save(
  body: IncomingMessage,
  file: string,
  saving: Saving,
): Promise<{ bytes: number; digests: Digests }> {
  const { start, total, limits, digester } = saving;
  if ((total ?? 0) > limits.max_bytes) throw tooLarge(limits.max_bytes);
  const handle = await open(file, start === 0 ? "w" : "r+", 0o644);
  const following = digester.follow(file, limits.digests ?? []);
  const meter = { came: 0 };
  const stopWatch = endWhenSlow(body, meter, limits.slowest);
  try {
    await handle.truncate(start);
    const bytes = await writeAll(body, handle, meter, { ...saving, written: tell });
    if (bytes < (total ?? 0)) throw new CloudError("unreachable", "cut short");
    return { bytes, digests: await following.finish(bytes, { signal: limits.signal }) };
  } finally {
    stopWatch();
    following.close();
    await handle.close();
  }

  function tell(bytes: number): void {
    saving.written(bytes);
    following.grown(bytes);
    limits.progress?.(bytes, total);
  }
}

/** One piece is written while the next one comes in. What had come when the body broke off is written too. */
async function writeAll(
  body: IncomingMessage,
  handle: FileHandle,
  meter: Meter,
  saving: Saving,
): Promise<number> {
  const { max_bytes } = saving.limits;
  let at = saving.start;
  let seen = at;
  let piece: Buffer[] = [];
  let writing: Promise<void> = Promise.resolve();

  async function write(chunks: Buffer[], from: number, end: number): Promise<void> {
    let position = from;
    for (let left = chunks; left.length > 0; ) {
      const { bytesWritten } = await handle.writev(left, position);
      position += bytesWritten;
      left = position === end ? [] : [Buffer.concat(left).subarray(bytesWritten)];
    }
    saving.written(end);
  }

  async function flush(): Promise<void> {
    await writing;
    writing = write(piece, at, seen);
    // It is awaited before the next one, and by then may have failed long ago.
    writing.catch(() => {});
    at = seen;
    piece = [];
  }

  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (seen + chunk.length > max_bytes) throw tooLarge(max_bytes);
      piece.push(chunk);
      meter.came += chunk.length;
      seen += chunk.length;
      if (seen - at >= PIECE_BYTES) await flush();
    }
  } finally {
    await flush();
    await writing;
  }
  return seen;
}

function endWhenSlow(body: IncomingMessage, meter: Meter, slowest: DownloadOptions["slowest"]): () => void {
  if (slowest === undefined) return () => {};
  const timer = setInterval(() => {
    if (meter.came < slowest.bytes) body.destroy(tooSlow(slowest));
    meter.came = 0;
  }, slowest.in_ms);
  return () => clearInterval(timer);
}

function tooSlow({ bytes, in_ms }: { bytes: number; in_ms: number }): CloudError {
  return new CloudError("unreachable", `too slow: less than ${bytes} bytes in ${in_ms / 1000} s`);
}

function tooLarge(max_bytes: number): CloudError {
  return new CloudError("too_large", `larger than ${max_bytes} bytes`);
}

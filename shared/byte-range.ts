// The part of a file that a Range header asks for (RFC 9110, section 14), and its bytes. One part only: of several, and of what makes no
// sense, the whole file is the answer, as that section allows.
import { createReadStream } from "node:fs";
import { CloudError } from "./errors.ts";

const CHUNK_BYTES = 256 * 1024;

/** Both ends belong to it. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

const BYTES = /^bytes[ \t]*=[ \t]*(?<first>\d*)-(?<last>\d*)[ \t]*$/i;

/** Undefined is all of it. Rejects with "unsatisfiable" when none of the `size` bytes is asked for. */
export function byteRange(header: string | undefined, size: number): ByteRange | undefined {
  const { first = "", last = "" } = BYTES.exec(header ?? "")?.groups ?? {};
  if (first === "" && last === "") return undefined;
  if (first === "") return lastBytes(Number(last), size);
  if (last !== "" && Number(last) < Number(first)) return undefined;
  if (Number(first) >= size) throw unsatisfiable(size);
  return { first: Number(first), last: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}

function lastBytes(count: number, size: number): ByteRange {
  if (count === 0 || size === 0) throw unsatisfiable(size);
  return { first: Math.max(0, size - count), last: size - 1 };
}

const unsatisfiable = (size: number): CloudError =>
  new CloudError("unsatisfiable", `range: there are ${size} bytes, and none of them is asked for`, {
    detail: { headers: { "Content-Range": `bytes */${size}` } },
  });

/** Opened at the first piece; from then on the file may be removed. */
export async function* readRange(
  path: string,
  { first, last }: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (last < first) return;
  yield* createReadStream(path, { start: first, end: last, signal, highWaterMark: CHUNK_BYTES });
}

// Unpacks gzip, xz, bzip2 and zstd. What comes out is bounded in size, its zeros take no room, and the programs get nothing
// but a pipe in and a pipe out.
import { createReadStream } from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { CloudError, isKind, messageOf } from "../errors.ts";
import { confine, wordsOf } from "./confine.ts";
import type { Packing } from "./probe/formats.ts";
import { writeSparse } from "./sparse.ts";
import type { ImageTools } from "./tools.ts";

const GIB = 2 ** 30;
const CHUNK_BYTES = 256 * 1024;
/** What a dictionary (xz) or a window (zstd) may take: the largest presets want 64 MiB, `zstd --long=27` 128 MiB. */
const DICTIONARY_MIB = 512;

const programs: Record<Exclude<Packing, "gzip">, readonly [program: string, ...args: string[]]> = {
  xz: ["xz", "--decompress", "--stdout", `--memlimit-decompress=${DICTIONARY_MIB}MiB`],
  bzip2: ["bzip2", "--decompress", "--stdout"],
  zstd: ["zstd", "--decompress", "--stdout", `--memory=${DICTIONARY_MIB}MB`],
};

export interface UnpackOptions {
  readonly max_bytes: number;
  readonly timeout_ms: number;
  readonly signal: AbortSignal;
  /** Told of the packed bytes read so far. */
  readonly onRead: (bytes: number) => void;
}

type Append = (chunk: Buffer) => Promise<void>;
type Tools = Pick<ImageTools, "exec">;

/** Rejects with CloudError: "malformed" for what cannot be unpacked, "too_large". */
export async function unpack(
  tools: Tools,
  packing: Packing,
  from: string,
  to: string,
  options: UnpackOptions,
): Promise<void> {
  let bytes = 0;
  await writeSparse(to, (append) => {
    const bounded: Append = (chunk) => {
      bytes += chunk.length;
      if (bytes > options.max_bytes)
        throw new CloudError("too_large", `unpacked it is larger than ${options.max_bytes / GIB} GiB`);
      return append(chunk);
    };
    return packing === "gzip"
      ? gunzip(from, bounded, options)
      : runProgram(tools, packing, from, bounded, options);
  });
}

async function* readFrom(file: string, { onRead }: UnpackOptions): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
    yield chunk as Buffer;
    read += (chunk as Buffer).length;
    onRead(read);
  }
}

async function gunzip(from: string, append: Append, options: UnpackOptions): Promise<void> {
  const { signal } = options;
  const pour = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) await append(chunk);
  };
  try {
    await pipeline(readFrom(from, options), createGunzip({ chunkSize: CHUNK_BYTES }), pour, { signal });
  } catch (error) {
    if (signal.aborted)
      throw new CloudError("unavailable", "stopped before it was unpacked", { cause: error });
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!code.startsWith("Z_")) throw error;
    throw new CloudError("malformed", `it cannot be unpacked: gzip: ${messageOf(error)}`, { cause: error });
  }
}

async function runProgram(
  { exec }: Tools,
  packing: Exclude<Packing, "gzip">,
  from: string,
  append: Append,
  options: UnpackOptions,
): Promise<void> {
  const { timeout_ms, signal } = options;
  const [program, ...args] = programs[packing];
  const bounds = { memory_bytes: 2 * DICTIONARY_MIB * 2 ** 20, cpu_s: timeout_ms / 1000, file_bytes: 0 };
  const input = readFrom(from, options);
  try {
    const confined = confine(exec, dirname(from), bounds);
    await confined.run(program, args, { timeout_ms, signal, input, onOutput: append });
  } catch (error) {
    throw explain(error);
  }
}

/** A program that could not be started is the node's fault, another failure that of the file. */
function explain(error: unknown): unknown {
  if (!isKind(error, "internal")) return error;
  const { code, signal } = error.detail;
  const fault = signal === undefined && (typeof code !== "number" || code === 126 || code === 127);
  if (fault) return error;
  return new CloudError("malformed", `it cannot be unpacked: ${wordsOf(error)}`, { cause: error });
}

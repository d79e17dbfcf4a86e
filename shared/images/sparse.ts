// Files whose zeros take no room.
import { open } from "node:fs/promises";

const BLOCK = 4096;
const zeros = Buffer.alloc(BLOCK);

/** Makes the file, hands `fill` what appends to it, and answers its length. Zeros become holes, a block at a time. */
export async function writeSparse(
  path: string,
  fill: (append: (chunk: Buffer) => Promise<void>) => Promise<void>,
): Promise<number> {
  const file = await open(path, "wx", 0o644);
  let length = 0;
  try {
    await fill(async (chunk) => {
      for (const [from, to] of filledParts(chunk, length))
        await writeAll(file, chunk.subarray(from, to), length + from);
      length += chunk.length;
    });
    await file.truncate(length);
  } finally {
    await file.close();
  }
  return length;
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

/** Ranges of the chunk without blocks of zeros; blocks are counted from the beginning of the file. */
export function* filledParts(chunk: Buffer, at: number): Generator<[from: number, to: number]> {
  let start = -1;
  for (let from = 0; from < chunk.length; ) {
    const to = Math.min(chunk.length, from + BLOCK - ((at + from) % BLOCK));
    const empty = chunk.compare(zeros, 0, to - from, from, to) === 0;
    if (!empty && start < 0) start = from;
    if (empty && start >= 0) {
      yield [start, from];
      start = -1;
    }
    from = to;
  }
  if (start >= 0) yield [start, chunk.length];
}

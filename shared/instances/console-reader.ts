// Reads a console's log from some place on, through rotations: at the end of a file that was renamed it goes on with the
// one that came after it. Whoever falls further behind than what is kept goes on with the oldest byte that is.
import type { Config } from "../config.ts";
import { type ConsoleFile, closeAll, keptBytes, openConsoleFiles } from "./console-files.ts";

const CHUNK_BYTES = 64 * 1024;
const LOOKS = 3;

export interface ConsoleReader {
  /** How many bytes there were from its place to the end when it was opened. */
  readonly length: number;
  /** What comes next, at most 64 KiB; undefined when there is nothing yet. */
  read(): Promise<Buffer | undefined>;
  close(): Promise<void>;
}

/** Begins `length` bytes before the end, or with the oldest byte. Lengths beyond what is kept are that. */
export async function openConsole(config: Config, uuid: string, length: number): Promise<ConsoleReader> {
  const kept = keptBytes(config);
  const wanted = Math.min(length, kept);
  const files = await openConsoleFiles(
    config,
    uuid,
    (opened) => opened.length === 0 || total(opened) < wanted,
  );
  const [current, ...newer] = files.toReversed();
  await closeAll(newer);
  let offset = Math.max(0, total(files) - wanted);
  let file = current;

  async function readHere(): Promise<Buffer | undefined> {
    if (file === undefined) return undefined;
    const { buffer, bytesRead } = await file.handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offset);
    const { size } = await file.handle.stat();
    if (size < offset) {
      offset = 0;
      return readHere();
    }
    // What is older may have been cut out while it was read.
    if (offset < size - kept) {
      offset = size - kept;
      return readHere();
    }
    offset += bytesRead;
    return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
  }

  async function readNext(): Promise<Buffer | undefined> {
    const next = await openNext(config, uuid, file);
    if (next === undefined) return undefined;
    // Between the last look at it and its renaming more may have been written to it.
    const rest = await readHere();
    if (rest !== undefined) {
      await next.handle.close();
      return rest;
    }
    await file?.handle.close();
    file = next;
    offset = 0;
    return (await readHere()) ?? readNext();
  }

  return {
    length: Math.min(wanted, total(files)),
    read: async () => (await readHere()) ?? readNext(),
    async close() {
      await file?.handle.close();
      file = undefined;
    },
  };
}

const total = (files: readonly ConsoleFile[]): number => files.reduce((sum, { size }) => sum + size, 0);

/** The file after this one, the oldest if this one is gone; undefined while this is the last. */
async function openNext(
  config: Config,
  uuid: string,
  file: ConsoleFile | undefined,
): Promise<ConsoleFile | undefined> {
  const isThis = ({ inode }: ConsoleFile) => inode === file?.inode;
  for (let look = 1; ; look++) {
    const files = await openConsoleFiles(config, uuid, (opened) => !opened.some(isThis));
    const at = files.findIndex(isThis);
    const isGone = file === undefined || look === LOOKS || (await file.handle.stat()).nlink === 0;
    const next = at >= 0 ? files[at - 1] : isGone ? files.at(-1) : undefined;
    await closeAll(files.filter((each) => each !== next));
    // One that is there and was not found was being renamed.
    if (at >= 0 || isGone) return next;
  }
}

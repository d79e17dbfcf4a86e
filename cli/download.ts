// Fetches a file whose content never changes, and goes on where a connection broke off. It gets its name once it is whole.
import { existsSync } from "node:fs";
import { type FileHandle, open as openFile, rename, rm, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { ConnectionError } from "#shared/api/errors.ts";
import type { Response } from "#shared/api/exchange.ts";
import { Refusal } from "./errors.ts";

const ATTEMPTS = 5;
const PAUSE_MS = 500;
const SILENCE_MS = 60_000;

interface Download {
  readonly file: string;
  /** Holds what has come until then. */
  readonly unfinished: string;
  /** Bytes. */
  readonly size: number;
  /** Goes on with an unfinished file that is there. */
  readonly resume: boolean;
  /** The bytes from this one on. */
  open(first: number): Promise<Response>;
  tell(percent: number): void;
}

/** A broken connection is tried again, as long as each brings something. What has come by then is kept. */
export async function download(wanted: Download): Promise<void> {
  const { file, unfinished, size, resume } = wanted;
  if (existsSync(file)) throw new Refusal(`${file} exists; choose another with -o`);
  if (!resume) await rm(unfinished, { force: true });
  let there = await sizeOf(unfinished);
  if (there > size) {
    await rm(unfinished);
    there = 0;
  }
  for (let failures = 0; there < size; ) {
    const before = there;
    const failure = await fetchFrom(wanted, there).catch((error: unknown) => error);
    there = await sizeOf(unfinished);
    if (failure === undefined) break;
    failures = there > before ? 1 : failures + 1;
    if (!(failure instanceof ConnectionError)) throw failure;
    if (failures >= ATTEMPTS) throw broken(failure, there, size);
    await delay(PAUSE_MS * failures);
  }
  if (there !== size) throw new Refusal(`${there} bytes came instead of ${size}; try again without --resume`);
  await rename(unfinished, file);
}

const broken = ({ message }: Error, there: number, size: number): Refusal =>
  new Refusal(`${message}; ${there} of ${size} bytes are there, --resume goes on with them`);

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function fetchFrom(wanted: Download, first: number): Promise<void> {
  const response = await wanted.open(first);
  // A server that knows no ranges sends all of it.
  const start = response.status === 206 ? first : 0;
  const target = await openFile(wanted.unfinished, start === 0 ? "w" : "a");
  try {
    await pour(response, target, start, wanted);
  } finally {
    response.close();
    await target.close();
  }
}

async function pour(
  response: Response,
  target: FileHandle,
  start: number,
  { size, tell }: Download,
): Promise<void> {
  let there = start;
  const silence = setTimeout(() => response.close(), SILENCE_MS);
  try {
    for await (const chunk of response.stream()) {
      await target.writeFile(chunk);
      there += chunk.length;
      tell(Math.floor((100 * there) / size));
      silence.refresh();
    }
  } finally {
    clearTimeout(silence);
  }
  if (there < size) throw new ConnectionError(`the connection ended early`);
}

// What the rows of the table of bad servers have in common.
import { createHash, randomBytes } from "node:crypto";
import type { Source } from "#shared/images/source.ts";
import { type Saying, type Script, whole } from "./bad-server.ts";
import { rawDisk } from "./bench.ts";

export interface Row {
  /** What the server does. */
  name: string;
  /** How the file is answered, or each of several paths. */
  says: Script | Readonly<Record<string, Script>>;
  /** What comes of it: this file, or an error of a kind and with such words. */
  ends: Buffer | [kind: string, words: RegExp];
  /** How many requests for the file there are; 1 where it is not said. */
  asks?: number;
  source?: Partial<Source>;
  url?: string;
}

export const FILE = "/disk.img";
export const MAX_BYTES = 2 ** 20;
export const etag = '"1"';
export const body = rawDisk(600 * 512);
body.fill(randomBytes(1000), 1000, 2000);
export const other = rawDisk(500 * 512);

export const sha = (algorithm: string, of = body): string => createHash(algorithm).update(of).digest("hex");

export function rest(from: number): Saying {
  const range = `bytes ${from}-${body.length - 1}/${body.length}`;
  return whole(body.subarray(from), { ETag: etag, "Content-Range": range }, 206);
}

// The copy of an image that this node has: whole, as its record says, and what is known of its digests.
import type { Stats } from "node:fs";
import { stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { isKind } from "../errors.ts";
import { type Entry, replace } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import type { Checksum } from "./checksum.ts";
import { type ImageRecord, imageKey } from "./record.ts";
import { cacheDirectory, type ImageTools, type Recorder } from "./tools.ts";

/** How much older than the truth `used` may be. */
const USED_EVERY_S = 60;

export type Cached = Entry<ImageRecord>;

export const pathOf = (tools: Pick<ImageTools, "config">, { file }: Pick<ImageRecord, "file">): string =>
  join(cacheDirectory(tools.config), file);

/** Serializes the handing out of an image with its removal, inside this node. */
export const handling = (ref: string): string => `image/${ref}`;

/** The image's record on this node, if its file is there too, and as it was placed. */
export async function getCached(
  tools: ImageTools,
  ref: string,
  record?: Recorder,
): Promise<Cached | undefined> {
  const entry = await tools.store.get<ImageRecord>(imageKey(tools.node.name, ref));
  if (entry === undefined) return undefined;
  const why = damageOf(entry.value, await stat(pathOf(tools, entry.value)).catch(() => undefined));
  if (why === undefined) return entry;
  record?.({ operation: "fetch image", phase: "cached copy not used", message: why });
  return undefined;
}

function damageOf({ file_size, file_mtime }: ImageRecord, found: Stats | undefined): string | undefined {
  if (found?.isFile() !== true) return "its file is gone";
  if (file_size !== undefined && found.size !== file_size)
    return `its file has ${found.size} bytes instead of ${file_size}`;
  if (file_mtime !== undefined && Math.floor(found.mtimeMs / 1000) !== file_mtime)
    return "its file was written to";
  return undefined;
}

/** Whether the copy is what the user asks for; undefined where its digest of that kind is not known. */
export function isLike(image: ImageRecord, { algorithm, digest }: Checksum): boolean | undefined {
  const known = knownDigest(image, algorithm);
  return known === undefined ? undefined : known === digest;
}

export const knownDigest = (image: ImageRecord, algorithm: Checksum["algorithm"]): string | undefined =>
  algorithm === "md5" ? (image.checksum ?? undefined) : image[algorithm];

/** Marks the file as just used: see `removeUnused`. False when it has gone meanwhile. */
export function markUsed(tools: ImageTools, image: ImageRecord): Promise<boolean> {
  return tools.mutex.run(handling(image.ref), async () => {
    const path = pathOf(tools, image);
    const now = tools.clock.now();
    try {
      // Reading changes nothing else, and the time of the last change says whether it is still what was placed.
      await utimes(path, now, image.file_mtime ?? (await stat(path)).mtime);
    } catch {
      return false;
    }
    if (now - (image.used ?? 0) > USED_EVERY_S) await noteUse(tools, image, now);
    return true;
  });
}

async function noteUse(tools: ImageTools, { ref, file }: ImageRecord, used: number): Promise<void> {
  const key = imageKey(tools.node.name, ref);
  try {
    await transact<void>(tools.store, async () => {
      const entry = await tools.store.get<ImageRecord>(key);
      if (entry?.value.file !== file) return [[], undefined];
      return [[replace(entry, { ...entry.value, used })], undefined];
    });
  } catch (error) {
    // The file's own time says it too.
    if (!isKind(error, "unavailable", "conflict")) throw error;
  }
}

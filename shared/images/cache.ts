// The images that a node keeps: the newest version of each, fetched once however many ask, and used as long as its
// server is away.
import { stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { isKind, messageOf } from "../errors.ts";
import { create, type Entry, replace } from "../ports/store/store.ts";
import { hideUrlSecrets } from "../urls.ts";
import { fetchImage } from "./fetch.ts";
import { checkFreshness } from "./freshness.ts";
import { type ImageRecord, imageKey, imageRef } from "./record.ts";
import { resolveSource, type Source } from "./source.ts";
import { cacheDirectory, type ImageTools, type Recorder } from "./tools.ts";

/** A finished image: `path` is readable by QEMU and never written to. */
export interface CachedImage {
  readonly path: string;
  readonly format: "qcow2" | "raw";
  readonly kind: "disk" | "iso";
  readonly virtual_size_bytes: number;
  readonly record: ImageRecord;
}

export interface EnsureOptions {
  record: Recorder;
  signal?: AbortSignal;
}

type Cached = Entry<ImageRecord>;

/**
 * The image of a URL or a shorthand, fetched if it is not at hand or has changed. Rejects with CloudError: "malformed" for
 * what is no usable image, "unreachable" for what cannot be had, "too_large", "insufficient" when the disk is full.
 */
export async function ensureImage(
  tools: ImageTools,
  text: string,
  options: EnsureOptions,
): Promise<CachedImage> {
  const source = await resolveSource(tools, text, options.signal);
  const cached = await getCached(tools, imageRef(source.url));
  const image =
    cached === undefined
      ? await fetchOnce(tools, source, options, undefined, "not at hand")
      : await refresh(tools, source, options, cached);
  return hand(tools, image);
}

/** The image's record on this node, if its file is there too. */
async function getCached(tools: ImageTools, ref: string): Promise<Cached | undefined> {
  const entry = await tools.store.get<ImageRecord>(imageKey(tools.node.name, ref));
  return entry !== undefined && (await isThere(tools, entry.value)) ? entry : undefined;
}

async function isThere(tools: ImageTools, image: ImageRecord): Promise<boolean> {
  const found = await stat(pathOf(tools, image)).catch(() => undefined);
  return found?.isFile() ?? false;
}

const pathOf = (tools: ImageTools, { file }: ImageRecord): string => join(cacheDirectory(tools.config), file);

async function refresh(
  tools: ImageTools,
  source: Source,
  options: EnsureOptions,
  cached: Cached,
): Promise<ImageRecord> {
  const freshness = await checkFreshness(tools, cached.value, options.signal);
  if (freshness.is === "fresh") return cached.value;
  if (freshness.is === "unreachable") return useCached(options, cached, freshness.why);
  try {
    const how = freshness.is === "changed" ? freshness.how : undefined;
    return await fetchOnce(tools, source, options, cached, how);
  } catch (error) {
    if (!isKind(error, "unreachable") || options.signal?.aborted === true) throw error;
    return useCached(options, cached, messageOf(error));
  }
}

function useCached({ record }: EnsureOptions, cached: Cached, why: string): ImageRecord {
  record({ operation: "fetch image", phase: "cached copy used", message: why });
  return cached.value;
}

/** `change`: why it is fetched; undefined where only the server can say whether it must be. */
async function fetchOnce(
  tools: ImageTools,
  source: Source,
  { record, signal }: EnsureOptions,
  seen: Cached | undefined,
  change: string | undefined,
): Promise<ImageRecord> {
  const key = imageKey(tools.node.name, imageRef(source.url));
  const lock = await tools.store.lock(key, {
    wait_ms: tools.config.IMAGE_TIMEOUT * 1000,
    operation: `fetch image ${hideUrlSecrets(source.url)}`,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const entry = await tools.store.get<ImageRecord>(key);
    const meanwhile = entry?.revision !== seen?.revision;
    if (entry !== undefined && meanwhile && (await isThere(tools, entry.value))) return entry.value;
    if (change !== undefined) record({ operation: "image requires fetch", phase: null, message: change });
    const unless_still = change === undefined ? seen?.value : undefined;
    const image = await fetchImage(tools, source, {
      record,
      signal: signal === undefined ? lock.lost : AbortSignal.any([signal, lock.lost]),
      previous_version: entry?.value.file_version ?? 0,
      unless_still,
    });
    if (image === unless_still) return image;
    await tools.store.commit([lock.held, entry === undefined ? create(key, image) : replace(entry, image)]);
    return image;
  } finally {
    await lock.release();
  }
}

/** Marks the file as just used: see `removeUnused`. */
async function hand(tools: ImageTools, record: ImageRecord): Promise<CachedImage> {
  const path = pathOf(tools, record);
  const now = tools.clock.now();
  await utimes(path, now, now);
  const { format, kind, virtual_size_bytes } = record;
  return { path, format, kind, virtual_size_bytes, record };
}

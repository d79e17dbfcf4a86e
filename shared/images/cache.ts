// The images that a node keeps: the newest version of each, fetched once however many ask, and used as long as its server is
// away or offers what cannot be used.
import { CloudError, isKind, messageOf } from "../errors.ts";
import { ALGORITHMS, type Algorithm } from "../ports/http/http.ts";
import { put } from "../ports/store/store.ts";
import { hideUrlSecrets } from "../urls.ts";
import { type Cached, getCached, isLike, knownDigest, markUsed, pathOf } from "./at-hand.ts";
import { forgetBad, refuseKnownBad, showChecksum } from "./bad.ts";
import { explain, fetchImage } from "./fetch.ts";
import { checkFreshness } from "./freshness.ts";
import { type ImageRecord, imageKey, imageRef } from "./record.ts";
import { resolveSource, type Source } from "./source.ts";
import { tellProgress } from "./told-progress.ts";
import type { ImageTools, Recorder } from "./tools.ts";

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
  /** What was refused before is tried again. */
  anew?: boolean;
}

interface Options {
  readonly record: Recorder;
  readonly signal: AbortSignal;
  readonly anew: boolean;
}

/** How often it may be removed between being found and being handed out. */
const TRIES = 3;

/**
 * The image of a URL or a shorthand, fetched if it is not at hand or has changed. Rejects with CloudError: "malformed" for
 * what is no usable image, "unreachable" for what cannot be had, "too_large", "insufficient" when the disk is full.
 */
export async function ensureImage(
  tools: ImageTools,
  text: string,
  { record, signal, anew = false }: EnsureOptions,
): Promise<CachedImage> {
  const source = await resolveSource(tools, text, signal);
  const { url, checksum } = source;
  const name = [imageRef(url), checksum === undefined ? "" : showChecksum(checksum), anew].join(" ");
  for (let tries = 0; tries < TRIES; tries++) {
    const image = await tools.fetches.join(name, { record, signal }, (told, stop) =>
      settle(tools, source, { record: told, signal: stop, anew }),
    );
    const { format, kind, virtual_size_bytes } = image;
    if (await markUsed(tools, image))
      return { path: pathOf(tools, image), format, kind, virtual_size_bytes, record: image };
  }
  throw new CloudError("unavailable", `${text}: its cached copy was removed again and again`);
}

async function settle(tools: ImageTools, source: Source, options: Options): Promise<ImageRecord> {
  const cached = await getCached(tools, imageRef(source.url), options.record);
  if (cached === undefined) return await fetchOnce(tools, source, options, undefined, "not at hand");
  const { checksum } = source;
  if (checksum === undefined) return await refresh(tools, source, options, cached);
  if (isLike(cached.value, checksum) === true) return cached.value;
  const has = knownDigest(cached.value, checksum.algorithm) ?? "not known";
  return await fetchOnce(tools, source, options, cached, `its ${checksum.algorithm} is ${has}`);
}

async function refresh(
  tools: ImageTools,
  source: Source,
  options: Options,
  cached: Cached,
): Promise<ImageRecord> {
  const freshness = await checkFreshness(tools, cached.value, options.signal);
  if (freshness.is === "fresh") return cached.value;
  if (freshness.is === "unreachable") return useCached(options, cached, freshness.why);
  try {
    const how = freshness.is === "changed" ? freshness.how : undefined;
    return await fetchOnce(tools, source, options, cached, how);
  } catch (error) {
    if (!isKind(error, "unreachable", "malformed", "too_large") || options.signal.aborted) throw error;
    return useCached(options, cached, messageOf(error));
  }
}

function useCached({ record }: Options, cached: Cached, why: string): ImageRecord {
  record({ operation: "fetch image", phase: "cached copy used", message: why });
  return cached.value;
}

/** `change`: why it is fetched; undefined where only the server can say whether it must be. */
async function fetchOnce(
  tools: ImageTools,
  source: Source,
  { record, signal, anew }: Options,
  seen: Cached | undefined,
  change: string | undefined,
): Promise<ImageRecord> {
  if (!anew) await refuseKnownBad(tools, source, signal);
  const ref = imageRef(source.url);
  const key = imageKey(tools.node.name, ref);
  const lock = await tools.store.lock(key, {
    wait_ms: tools.config.IMAGE_TIMEOUT * 1000,
    operation: `fetch image ${hideUrlSecrets(source.url)}`,
    signal,
  });
  try {
    const entry = await getCached(tools, ref);
    if (entry !== undefined && isNewer(entry, seen) && suits(entry.value, source)) return entry.value;
    if (change !== undefined) record({ operation: "image requires fetch", phase: null, message: change });
    const last = await tools.store.get<ImageRecord>(key);
    const unless_still = mayBeStill(source, seen, change) ? seen?.value : undefined;
    const image = await inSlot(tools, source, record, AbortSignal.any([signal, lock.lost]), (options) =>
      fetchImage(tools, source, {
        ...options,
        previous_version: last?.value.file_version ?? 0,
        digests: digestsFor(source, last?.value),
        unless_still,
      }),
    );
    if (image === unless_still) return requireLike(tools, source, image);
    await tools.store.commit([lock.held, put(key, image), forgetBad(tools, ref)]);
    return image;
  } finally {
    await lock.release();
  }
}

/** Somebody else has fetched it since it was looked at. */
const isNewer = ({ value }: Cached, seen: Cached | undefined): boolean => value.file !== seen?.value.file;

const suits = (image: ImageRecord, { checksum }: Source): boolean =>
  checksum === undefined || isLike(image, checksum) === true;

/** Also those by which the copy so far is known: users who give other kinds of checksum must not take turns in fetching. */
function digestsFor({ checksum }: Source, last: ImageRecord | undefined): Algorithm[] {
  const known = ALGORITHMS.filter((each) => last !== undefined && knownDigest(last, each) !== undefined);
  return [...new Set([...known, ...(checksum === undefined ? [] : [checksum.algorithm])])];
}

/** The server may say that it has what is here: not for a digest that nobody knows of it. */
const mayBeStill = ({ checksum }: Source, seen: Cached | undefined, change: string | undefined): boolean =>
  seen !== undefined &&
  (checksum === undefined ? change === undefined : isLike(seen.value, checksum) !== undefined);

function requireLike(tools: ImageTools, { url, checksum }: Source, image: ImageRecord): ImageRecord {
  if (checksum === undefined || isLike(image, checksum) === true) return image;
  const { algorithm, digest } = checksum;
  const has = knownDigest(image, algorithm);
  const fact = `its ${algorithm.toUpperCase()} is ${has}, but the checksum that was given is ${digest}`;
  throw explain(tools, url, new CloudError("malformed", fact));
}

interface InSlot {
  record: Recorder;
  signal: AbortSignal;
  progress: Awaited<ReturnType<typeof tellProgress>>["progress"];
}

/** A bounded number at once, each seen by everybody. */
async function inSlot(
  tools: ImageTools,
  { url }: Source,
  record: Recorder,
  signal: AbortSignal,
  work: (options: InSlot) => Promise<ImageRecord>,
): Promise<ImageRecord> {
  const { slots } = tools.fetches;
  await slots.enter(signal);
  try {
    const { progress, close } = await tellProgress(tools, url, record);
    try {
      return await work({ record, signal, progress });
    } finally {
      await close();
    }
  } finally {
    slots.leave();
  }
}

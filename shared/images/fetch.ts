// One fetch of an image: download, prepare, place. A failure or a crash leaves nothing that could be taken for an image.
import { join } from "node:path";
import { CloudError, messageOf } from "../errors.ts";
import type { Download } from "../ports/http/http.ts";
import { conditionOf } from "./freshness.ts";
import { placeFile } from "./place.ts";
import { maxBytes, type Prepared, prepareImage } from "./prepare.ts";
import { type ImageRecord, imageRef } from "./record.ts";
import { publishedSum, type Source } from "./source.ts";
import { cacheDirectory, type ImageTools, type Recorder, step } from "./tools.ts";
import { inWorkDirectory, listCache } from "./work-directory.ts";

const IDLE_MS = 30_000;

export interface FetchOptions {
  record: Recorder;
  signal: AbortSignal;
  /** The new file has a higher version. */
  previous_version: number;
  /** Answered as it is when the server says that nothing has changed since. */
  unless_still?: ImageRecord | undefined;
}

/** Fetches into the cache and answers the new record, which the caller has to store. */
export async function fetchImage(
  tools: ImageTools,
  source: Source,
  options: FetchOptions,
): Promise<ImageRecord> {
  const { record, unless_still } = options;
  try {
    return await inWorkDirectory(tools, async (directory) => {
      const file = join(directory, "download");
      const download = await step(tools, record, "fetch image", () =>
        downloadTo(tools, source, file, options),
      );
      if (unless_still !== undefined && download.status === 304) return unless_still;
      const prepared = await prepareImage(tools, directory, options);
      return await place(tools, source.url, join(directory, "image"), options, download, prepared);
    });
  } catch (error) {
    throw explain(tools, source.url, error);
  }
}

async function downloadTo(
  tools: ImageTools,
  source: Source,
  file: string,
  { signal, unless_still }: FetchOptions,
): Promise<Download> {
  const download = await tools.http.download(source.url, file, {
    headers: unless_still === undefined ? {} : conditionOf(unless_still),
    max_bytes: maxBytes(tools),
    timeout_ms: tools.config.IMAGE_TIMEOUT * 1000,
    idle_ms: IDLE_MS,
    signal,
  });
  if (download.status === 304 && unless_still !== undefined) return download;
  if (download.status !== 200) throw new CloudError("unreachable", `the server answered ${download.status}`);
  const sum = await publishedSum(tools, source, signal);
  if (sum !== undefined && sum !== download.md5)
    throw new CloudError("unreachable", `its MD5 is ${download.md5}, but MD5SUMS has ${sum}`);
  return download;
}

async function place(
  tools: ImageTools,
  url: string,
  image: string,
  options: FetchOptions,
  download: Download,
  prepared: Prepared,
): Promise<ImageRecord> {
  const ref = imageRef(url);
  const file_version = Math.max(options.previous_version, await highestVersion(tools, ref)) + 1;
  const suffix = prepared.kind === "iso" ? "iso" : "qcow2";
  const file = `${ref}.v${String(file_version).padStart(3, "0")}.${suffix}`;
  await placeFile(image, join(cacheDirectory(tools.config), file), 0o644);
  return {
    url,
    ref,
    node: tools.node.name,
    checksum: download.md5,
    size: download.bytes,
    modified: download.headers["last-modified"] ?? null,
    etag: download.headers.etag ?? null,
    fetched: tools.clock.now(),
    file_version,
    file,
    ...prepared,
  };
}

/** Counts files that no record knows too: a disk may stand on one, so its name is never given again. */
async function highestVersion(tools: ImageTools, ref: string): Promise<number> {
  const names = (await listCache(tools)).filter((name) => name.startsWith(`${ref}.v`));
  return Math.max(0, ...names.map((name) => Number.parseInt(name.slice(ref.length + 2), 10) || 0));
}

/** Puts the image before what went wrong with it. Only its path: the rest of a URL may be secret. */
function explain(tools: ImageTools, url: string, error: unknown): CloudError {
  const { origin, pathname } = new URL(url);
  const subject = `image ${origin}${pathname}`;
  const words = messageOf(error).replace(`${origin}${pathname}: `, "");
  if (/ENOSPC|EDQUOT|no space left/i.test(words)) {
    const where = `${tools.node.name} in ${cacheDirectory(tools.config)}`;
    return new CloudError("insufficient", `${subject}: no space left on ${where}`, { cause: error });
  }
  if (/file too large|SIGXFSZ/i.test(words)) {
    const fact = `converted it is larger than ${tools.config.IMAGE_MAX_GIB} GiB`;
    return new CloudError("too_large", `${subject}: ${fact}`, { cause: error });
  }
  const kind = error instanceof CloudError ? error.kind : "internal";
  return new CloudError(kind, `${subject}: ${words}`, { cause: error });
}

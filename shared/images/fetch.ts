// One fetch of an image: download, verify, prepare, place. A failure or a crash leaves nothing that could be taken for an
// image; what was refused for what it is leaves a note.
import { stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { CloudError, isKind, messageOf } from "../errors.ts";
import type { Algorithm, Digests } from "../ports/http/http.ts";
import { type Grounds, noteBad, showChecksum } from "./bad.ts";
import { type Checksum, requireSum } from "./checksum.ts";
import { type Downloaded, downloadImage } from "./download.ts";
import { placeFile } from "./place.ts";
import { type Prepared, prepareImage } from "./prepare.ts";
import type { Progress } from "./progress.ts";
import { type ImageRecord, imageRef, type Offer } from "./record.ts";
import type { Source } from "./source.ts";
import { cacheDirectory, type ImageTools, type Recorder, step } from "./tools.ts";
import { inWorkDirectory, listCache } from "./work-directory.ts";

export interface FetchOptions {
  record: Recorder;
  progress: Progress;
  signal: AbortSignal;
  /** The new file has a higher version. */
  previous_version: number;
  /** By which the record is to know it. */
  digests?: readonly Algorithm[];
  /** Answered as it is when the server says that nothing has changed since. */
  unless_still?: ImageRecord | undefined;
}

/** Fetches into the cache and answers the new record, which the caller has to store. */
export async function fetchImage(
  tools: ImageTools,
  source: Source,
  options: FetchOptions,
): Promise<ImageRecord> {
  const { record, progress, signal, digests = [], unless_still } = options;
  try {
    return await inWorkDirectory(tools, async (directory) => {
      const file = join(directory, "download");
      const downloaded = await step(tools, record, "fetch image", () =>
        downloadImage(tools, source, file, {
          ...{ record, progress, signal, digests },
          ...(unless_still === undefined ? {} : { unless_still }),
        }),
      );
      if (unless_still !== undefined && downloaded.status === 304) return unless_still;
      const accepted = await accept(tools, source, directory, downloaded, options);
      return await place(tools, source.url, join(directory, "image"), options, downloaded, accepted);
    });
  } catch (error) {
    throw explain(tools, source.url, error);
  }
}

interface Accepted extends Prepared {
  /** What somebody vouched for it by. */
  readonly sums: readonly Checksum[];
}

/** Verifies and prepares it; what is refused for what it is will be refused the next time without being fetched. */
async function accept(
  tools: ImageTools,
  source: Source,
  directory: string,
  downloaded: Downloaded,
  { record, progress, signal }: FetchOptions,
): Promise<Accepted> {
  const { checksum, ...published } = source;
  const { url, sums } = published;

  async function noting<T>(grounds: Grounds, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isKind(error, "malformed", "too_large") && !signal.aborted)
        await noteBad(tools, source, offerOf(downloaded), explain(tools, url, error), grounds);
      throw error;
    }
  }

  const found: Checksum[] = [];
  async function verify(by: Source): Promise<void> {
    found.push(...(await requireSum(tools, by, downloaded, { signal, progress })));
  }
  if (checksum !== undefined || sums !== "none")
    await step(tools, record, "verify image", async () => {
      if (checksum !== undefined)
        await noting({ of: "content", unlike: showChecksum(checksum) }, () =>
          verify({ url, sums: "none", checksum }),
        );
      if (sums !== "none") await noting({ of: "checksum", unlike: null }, () => verify(published));
    });
  const prepared = await noting({ of: "content", unlike: null }, () =>
    prepareImage(tools, directory, { record, signal, progress }),
  );
  return { ...prepared, sums: found };
}

const offerOf = ({ bytes, headers, digests }: Downloaded): Omit<Offer, "url" | "ref" | "node"> => ({
  size: bytes,
  modified: headers["last-modified"] ?? null,
  etag: headers.etag ?? null,
  ...(digests.sha256 === undefined ? {} : { sha256: digests.sha256 }),
});

async function place(
  tools: ImageTools,
  url: string,
  image: string,
  options: FetchOptions,
  downloaded: Downloaded,
  { sums, ...prepared }: Accepted,
): Promise<ImageRecord> {
  const vouched = sums.map(({ algorithm, digest }) => [algorithm, digest]);
  const { md5, ...sha }: Digests = { ...downloaded.digests, ...Object.fromEntries(vouched) };
  const ref = imageRef(url);
  const file_version = Math.max(options.previous_version, await highestVersion(tools, ref)) + 1;
  const suffix = prepared.kind === "iso" ? "iso" : "qcow2";
  const file = `${ref}.v${String(file_version).padStart(3, "0")}.${suffix}`;
  const fetched = tools.clock.now();
  const file_mtime = Math.floor(fetched);
  await utimes(image, fetched, file_mtime);
  const { size: file_size } = await stat(image);
  await placeFile(image, join(cacheDirectory(tools.config), file), 0o644);
  return {
    ...{ url, ref, node: tools.node.name },
    ...offerOf(downloaded),
    checksum: md5 ?? null,
    ...sha,
    ...{ fetched, used: fetched, file_version, file, file_size, file_mtime },
    ...prepared,
  };
}

/** Counts files that no record knows too: a disk may stand on one, so its name is never given again. */
async function highestVersion(tools: ImageTools, ref: string): Promise<number> {
  const names = (await listCache(tools)).filter((name) => name.startsWith(`${ref}.v`));
  return Math.max(0, ...names.map((name) => Number.parseInt(name.slice(ref.length + 2), 10) || 0));
}

/** Puts the image before what went wrong with it. Only its path: the rest of a URL may be secret. */
export function explain(tools: ImageTools, url: string, error: unknown): CloudError {
  const { origin, pathname } = new URL(url);
  const subject = `image ${origin}${pathname}`;
  const words = messageOf(error).replace(`${subject}: `, "").replace(`${origin}${pathname}: `, "");
  const cause = { cause: error };
  if (/ENOSPC|EDQUOT|no space left/i.test(words)) {
    const where = `${tools.node.name} in ${cacheDirectory(tools.config)}`;
    return new CloudError("insufficient", `${subject}: no space left on ${where}`, cause);
  }
  if (/file too large|SIGXFSZ/i.test(words)) {
    const fact = `converted it is larger than ${tools.config.IMAGE_MAX_GIB} GiB`;
    return new CloudError("too_large", `${subject}: ${fact}`, cause);
  }
  return new CloudError(kindOf(error), `${subject}: ${words}`, cause);
}

const kindOf = (error: unknown) => (error instanceof CloudError ? error.kind : "internal");

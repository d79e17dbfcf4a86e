// From a downloaded file to an image that guests can use: unpacked, known by its content, alone, and qcow2 or an ISO.
// Errors say "it …"; the caller knows whose image it is.
import { createReadStream, createWriteStream } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { CloudError, messageOf } from "../errors.ts";
import { type Format, probe } from "./probe.ts";
import { convertImage, type ImageInfo, imageInfo } from "./qemu-img.ts";
import type { ImageRecord } from "./record.ts";
import { type ImageTools, type Recorder, step } from "./tools.ts";

const GIB = 2 ** 30;

export type Prepared = Pick<ImageRecord, "format" | "kind" | "virtual_size_bytes">;

export interface PrepareOptions {
  record: Recorder;
  signal: AbortSignal;
}

/** The most that an image may be, packed, unpacked and converted. */
export const maxBytes = (tools: Pick<ImageTools, "config">): number =>
  Math.floor(tools.config.IMAGE_MAX_GIB * GIB);

/** Uses up `<directory>/download` and leaves `<directory>/image`. */
export async function prepareImage(
  tools: ImageTools,
  directory: string,
  options: PrepareOptions,
): Promise<Prepared> {
  const { file, format } = await unpacked(tools, directory, options.signal);
  const image = join(directory, "image");
  if (format === "iso") {
    await rename(file, image);
    return { format: "raw", kind: "iso", virtual_size_bytes: (await stat(image)).size };
  }
  const info = await imageInfo(tools.exec, file, format, options.signal);
  requireAlone(info, file);
  if (format === "qcow2") await rename(file, image);
  else await transcode(tools, { file, format }, image, options);
  return { format: "qcow2", kind: "disk", virtual_size_bytes: info["virtual-size"] };
}

async function unpacked(
  tools: ImageTools,
  directory: string,
  signal: AbortSignal,
): Promise<{ file: string; format: Format }> {
  const download = join(directory, "download");
  const outer = await requireFormat(download);
  if (outer !== "gzip") return { file: download, format: outer };
  const file = join(directory, "unpacked");
  await unpack(tools, download, file, signal);
  const format = await requireFormat(file);
  if (format === "gzip") throw new CloudError("malformed", "it is compressed twice");
  return { file, format };
}

async function requireFormat(file: string): Promise<Format> {
  const found = await probe(file);
  if ("refused" in found) throw new CloudError("malformed", found.refused);
  return found.format;
}

async function unpack(tools: ImageTools, from: string, to: string, signal: AbortSignal): Promise<void> {
  const max_bytes = maxBytes(tools);
  let bytes = 0;
  async function* bounded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > max_bytes)
        throw new CloudError("too_large", `unpacked it is larger than ${tools.config.IMAGE_MAX_GIB} GiB`);
      yield chunk;
    }
  }
  try {
    await pipeline(createReadStream(from), createGunzip(), bounded, createWriteStream(to), { signal });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!code.startsWith("Z_")) throw error;
    throw new CloudError("malformed", `it cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
}

/** Refuses an image that would bring other files along when it is opened. */
function requireAlone(info: ImageInfo, file: string): void {
  const data = info["format-specific"]?.data;
  const refusals: [boolean, string][] = [
    [info["backing-filename"] !== undefined, "it has a backing file"],
    [data?.["data-file"] !== undefined, "it has an external data file"],
    [data?.extents?.some((extent) => extent.filename !== file) ?? false, "it refers to other files"],
    [info.encrypted === true, "it is encrypted"],
    [data?.corrupt === true, "it is marked as corrupt"],
  ];
  const [, why] = refusals.find(([refused]) => refused) ?? [];
  if (why !== undefined) throw new CloudError("malformed", why);
}

async function transcode(
  tools: ImageTools,
  from: { file: string; format: Format },
  image: string,
  { record, signal }: PrepareOptions,
): Promise<void> {
  const limits = { timeout_ms: tools.config.IMAGE_TIMEOUT * 1000, max_bytes: maxBytes(tools), signal };
  const to = { file: image, format: "qcow2" } as const;
  await step(tools, record, "transcode image", () => convertImage(tools.exec, from, to, limits));
}

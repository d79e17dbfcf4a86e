// From a downloaded file to an image that guests can use: unpacked, known by its content, alone, sound, and qcow2 or an ISO.
// No program opens the file before its header has been read here. Errors say "it …"; the caller knows whose image it is.
import { chmod, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "./inspect.ts";
import type { Packing } from "./probe/formats.ts";
import { probeImage, probePacking } from "./probe.ts";
import type { Progress } from "./progress.ts";
import type { ImageRecord } from "./record.ts";
import { type ImageTools, maxBytes, type Recorder, step } from "./tools.ts";
import { type Transcoding, transcode } from "./transcode.ts";
import { unpack } from "./unpack.ts";

const GIB = 2 ** 30;

export type Prepared = Pick<ImageRecord, "format" | "kind" | "virtual_size_bytes">;

export interface PrepareOptions {
  record: Recorder;
  signal: AbortSignal;
  progress: Progress;
}

interface Work extends Transcoding {
  /** Runs a part under the name of its events. */
  as<T>(operation: string, part: () => Promise<T>): Promise<T>;
}

/**
 * Uses up `<directory>/download` and leaves `<directory>/image`. Rejects with CloudError: "malformed" for what is no image
 * that can be used, "too_large".
 */
export async function prepareImage(
  tools: Pick<ImageTools, "exec" | "clock" | "config">,
  directory: string,
  options: PrepareOptions,
): Promise<Prepared> {
  const download = join(directory, "download");
  const { size } = await stat(download);
  const tell = (part: number) => options.progress("convert", Math.round(part * size), size);
  const { record, signal } = options;
  const as: Work["as"] = (operation, part) => step(tools, record, operation, part);
  const work = { tools, directory, signal, tell, as };
  await chmod(directory, 0o711);
  await chmod(download, 0o644);
  const packing = await probePacking(download);
  return packing === undefined ? settle(work, "download") : settlePacked(work, packing, size);
}

/** Unpacking counts for half of the way. */
function settlePacked(work: Work, packing: Packing, size: number): Promise<Prepared> {
  const { tools, directory, signal } = work;
  const download = join(directory, "download");
  return work.as("transcode image", async () => {
    await unpack(tools, packing, download, join(directory, "unpacked"), {
      max_bytes: maxBytes(tools),
      timeout_ms: tools.config.IMAGE_TIMEOUT * 1000,
      signal,
      onRead: (bytes) => work.tell(bytes / size / 2),
    });
    await rm(download);
    const tell = (part: number) => work.tell((1 + part) / 2);
    const prepared = await settle({ ...work, tell, as: (_, convert) => convert() }, "unpacked");
    work.tell(1);
    return prepared;
  });
}

async function settle(work: Work, name: string): Promise<Prepared> {
  const { tools, directory } = work;
  const file = join(directory, name);
  const image = join(directory, "image");
  const max_virtual_bytes = tools.config.IMAGE_MAX_VIRTUAL_GIB * GIB;
  const probed = await probeImage(file, { max_virtual_bytes });
  if (probed.format === "iso") {
    await rename(file, image);
    return { format: "raw", kind: "iso", virtual_size_bytes: (await stat(image)).size };
  }
  const virtual_size_bytes = (await inspect(work, name, probed))["virtual-size"];
  const from = { file: name, format: probed.format };
  if (probed.format === "qcow2" && probed.plain) await rename(file, image);
  else await work.as("transcode image", () => transcode(work, from, virtual_size_bytes));
  await rm(file, { force: true });
  return { format: "qcow2", kind: "disk", virtual_size_bytes };
}

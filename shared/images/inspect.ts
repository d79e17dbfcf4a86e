// A last look at an image whose header was found good: by qemu-img, confined, with the format named.
import { CloudError } from "../errors.ts";
import { confine, wordsOf } from "./confine.ts";
import type { ImageFormat, Probed } from "./probe/formats.ts";
import { checkImage, type ImageInfo, imageInfo, isFileAtFault, QEMU_IMG_BYTES } from "./qemu-img.ts";
import type { ImageTools } from "./tools.ts";

const GIB = 2 ** 30;
const CHECK_CPU_S = 120;
const CHECK_MS = 600_000;

export interface Inspection {
  readonly tools: Pick<ImageTools, "exec" | "config">;
  /** The file is named relatively to it. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Holds what qemu-img reads against what the header said, and looks whether the tables are whole. */
export async function inspect(
  work: Inspection,
  name: string,
  { format, virtual_size_bytes }: Probed,
): Promise<ImageInfo> {
  const { tools, directory, signal } = work;
  const exec = confine(tools.exec, directory, {
    memory_bytes: QEMU_IMG_BYTES,
    cpu_s: CHECK_CPU_S,
    file_bytes: 0,
  });
  const info = await blame(format, () => imageInfo(exec, name, format, signal));
  requireAlone(info, name);
  const size = info["virtual-size"];
  if (size > tools.config.IMAGE_MAX_VIRTUAL_GIB * GIB || size !== (virtual_size_bytes ?? size))
    throw new CloudError("malformed", "its header contradicts itself about the size of its disk");
  if (["qcow2", "vmdk", "vdi"].includes(format))
    await blame(format, () => checkImage(exec, name, format, { timeout_ms: CHECK_MS, signal }));
  return info;
}

/** Refuses an image that would bring other files along when it is opened. */
export function requireAlone(info: ImageInfo, file: string): void {
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

/** Says of which format it was no good image, where the file is at fault and not this machine. */
export async function blame<T>(format: ImageFormat, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isFileAtFault(error)) throw error;
    if (error.detail.signal !== undefined)
      throw new CloudError("malformed", `reading it as ${format} takes too much time or memory`, {
        cause: error,
      });
    throw new CloudError("malformed", `it is no good ${format}: ${wordsOf(error)}`, { cause: error });
  }
}

// Makes a qcow2 file of any image that was found good: by qemu-img, confined.
import { constants } from "node:fs";
import { chown, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CloudError, messageOf } from "../errors.ts";
import type { Exec } from "../ports/exec/exec.ts";
import { confine, NOBODY } from "./confine.ts";
import { blame, type Inspection, requireAlone } from "./inspect.ts";
import type { ImageFormat } from "./probe/formats.ts";
import { convertImage, imageInfo, QEMU_IMG_BYTES } from "./qemu-img.ts";
import { maxBytes } from "./tools.ts";

/** What qcow2 adds to a dense disk: tables, and the rest of a cluster. */
const METADATA_BYTES = 2 ** 19;

export interface Transcoding extends Inspection {
  /** How far it has come, of 1. */
  tell(part: number): void;
}

/**
 * Makes `<directory>/image`, of a disk of `size` bytes. The program may write into a directory of its own alone; what it
 * leaves there is not trusted either.
 */
export async function transcode(
  work: Transcoding,
  from: { file: string; format: ImageFormat },
  size: number,
): Promise<void> {
  const { tools, directory, signal, tell } = work;
  const timeout_ms = tools.config.IMAGE_TIMEOUT * 1000;
  const exec = confine(tools.exec, directory, {
    memory_bytes: QEMU_IMG_BYTES,
    cpu_s: timeout_ms / 1000,
    file_bytes: maxBytes(tools) + METADATA_BYTES,
  });
  const out = join(directory, "out");
  await mkdir(out, { mode: 0o700 });
  await chown(out, NOBODY, NOBODY);
  const to = { file: "out/image", format: "qcow2" } as const;
  const onPercent = (percent: number) => tell(percent / 100);
  await explainLarge(work, () =>
    blame(from.format, () => convertImage(exec, from, to, { timeout_ms, signal, onPercent })),
  );
  await takeOver(join(out, "image"), join(directory, "image"));
  await rm(out, { recursive: true });
  await requireResult(work, exec, size);
}

async function explainLarge<T>({ tools }: Transcoding, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!/file too large|SIGXFSZ/i.test(messageOf(error))) throw error;
    const fact = `converted it is larger than ${tools.config.IMAGE_MAX_GIB} GiB`;
    throw new CloudError("too_large", fact, { cause: error });
  }
}

async function takeOver(made: string, image: string): Promise<void> {
  await rename(made, image);
  const file = await open(image, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile() || found.nlink !== 1)
      throw new CloudError("malformed", "it was converted to no file");
    await file.chown(0, 0);
    await file.chmod(0o644);
  } finally {
    await file.close();
  }
}

async function requireResult({ signal }: Inspection, exec: Exec, size: number): Promise<void> {
  const info = await imageInfo(exec, "image", "qcow2", signal);
  requireAlone(info, "image");
  if (info["virtual-size"] !== size) throw new CloudError("malformed", "it was converted to another size");
}

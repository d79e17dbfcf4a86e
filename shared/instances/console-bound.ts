// Keeps the logs of consoles from growing for ever where virtlogd does not rotate them (stdio_handler = "file" of libvirt's
// qemu.conf, max_size = 0 of its virtlogd.conf): what is older than the last CONSOLE_LOG_MIB is cut out of the file as a hole.
// QEMU holds the file open: copying its end and truncating it would lose what is written in between, a hole loses nothing.
import { readdir, truncate } from "node:fs/promises";
import type { Cloud } from "../cloud.ts";
import { type ConsoleFile, closeAll, keptBytes, MIB, openConsoleFiles } from "./console-files.ts";
import { instancesDirectory } from "./paths.ts";

/** Not worth a program yet. */
const SLACK_BYTES = MIB;

/** Each by itself: one that cannot be bounded does not keep the others. */
export async function boundConsoles(cloud: Cloud, signal: AbortSignal): Promise<void> {
  for (const uuid of await readdir(instancesDirectory(cloud.config))) {
    if (signal.aborted) return;
    await boundConsole(cloud, uuid).catch((error: unknown) =>
      cloud.log.warn({ err: error, instance: uuid }, "the console's log cannot be bounded"),
    );
  }
}

async function boundConsole(cloud: Cloud, uuid: string): Promise<void> {
  const kept = keptBytes(cloud.config);
  const [newest, ...older] = await openConsoleFiles(cloud.config, uuid);
  if (newest === undefined) return;
  try {
    // A file system may have set room aside for what is yet to be written: both are looked at.
    if (Math.min(newest.allocated, newest.size) > kept + SLACK_BYTES)
      await cutOut(cloud, newest, newest.size - kept);
    let newer = newest.size;
    for (const file of older) {
      if (newer >= kept && file.size > 0) await truncate(pathOf(file), 0);
      newer += file.size;
    }
  } finally {
    await closeAll([newest, ...older]);
  }
}

/** By the open file, as the name may be another's by now. */
const pathOf = ({ handle }: ConsoleFile): string => `/proc/${process.pid}/fd/${handle.fd}`;

async function cutOut({ exec }: Cloud, file: ConsoleFile, bytes: number): Promise<void> {
  await exec.run("fallocate", ["--punch-hole", "--offset", "0", "--length", String(bytes), pathOf(file)]);
}

// What the image tests stand on: a store in memory, a web server on loopback, real qemu-img, a cache of its own.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#shared/clock.ts";
import type { NewEvent } from "#shared/cloud.ts";
import { type Config, readConfig } from "#shared/config.ts";
import { ensureImage } from "#shared/images/cache.ts";
import { openFetches } from "#shared/images/fetches.ts";
import { cacheDirectory, type ImageTools } from "#shared/images/tools.ts";
import { silentLog } from "#shared/log.ts";
import { openMutex } from "#shared/mutex.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { openHttp } from "#shared/ports/http/real.ts";
import { openMemory } from "#shared/ports/store/memory.ts";
import { openStore } from "#shared/ports/store/open.ts";
import { hastyClock } from "../../support/hasty-clock.ts";
import { openServer, type TestServer } from "../ports/http/server.ts";

export interface ImageBench {
  readonly tools: ImageTools;
  readonly server: TestServer;
  readonly directory: string;
  readonly cache: string;
  readonly events: NewEvent[];
  ensure(text: string, signal?: AbortSignal): ReturnType<typeof ensureImage>;
  /** A file made by qemu-img, or by other means, in the bench's directory. */
  path(name: string): string;
  make(name: string, ...args: string[]): Promise<Buffer>;
  close(): Promise<void>;
}

export async function openBench(
  config: (url: string) => Partial<Config> = () => ({}),
  storage?: string,
): Promise<ImageBench> {
  const directory = await mkdtemp(join(tmpdir(), "sf-images-"));
  const server = await openServer();
  const settings = { ...readConfig({}).config, STORAGE_PATH: storage ?? join(directory, "storage") };
  const tools: ImageTools = {
    store: await openStore({
      backend: openMemory(),
      mirrored: ["image/", "fetch/", "bad_image/"],
      node: "node-1",
      clock: systemClock,
      log: silentLog,
    }),
    http: openHttp({ allow: ["127.0.0.0/8"], user_agent: "test" }),
    exec: realExec,
    clock: hastyClock(),
    log: silentLog,
    config: { ...settings, ...config(server.url) },
    node: { name: "node-1", ip: "127.0.0.1" },
    mutex: openMutex(),
    fetches: openFetches(),
  };
  const events: NewEvent[] = [];
  const record = (event: NewEvent) => void events.push(event);
  const path = (name: string) => join(directory, name);
  return {
    tools,
    server,
    directory,
    cache: cacheDirectory(tools.config),
    events,
    ensure: (text, signal) =>
      ensureImage(tools, text, signal === undefined ? { record } : { record, signal }),
    path,
    async make(name, ...args) {
      await realExec.run(
        "qemu-img",
        args.map((arg) => (arg === name ? path(name) : arg)),
      );
      return readFile(path(name));
    },
    async close() {
      await server.close();
      await tools.store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A disk that looks bootable: a boot sector's mark and some content. */
export function rawDisk(bytes = 2 ** 20): Buffer {
  const disk = Buffer.alloc(bytes);
  disk.fill(0x90, 0, 510);
  disk.writeUInt16LE(0xaa55, 510);
  disk.write("content", 8192);
  return disk;
}

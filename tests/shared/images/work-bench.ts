// What the tests of preparing stand on: a work directory with a download in it, and real programs whose runs are noted.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#shared/clock.ts";
import { type Config, readConfig } from "#shared/config.ts";
import { type Prepared, prepareImage } from "#shared/images/prepare.ts";
import type { Progress } from "#shared/images/progress.ts";
import type { Exec } from "#shared/ports/exec/exec.ts";
import { realExec } from "#shared/ports/exec/real.ts";

export interface PrepareOptions {
  signal?: AbortSignal;
  progress?: Progress;
  config?: Partial<Config>;
}

export interface WorkBench {
  /** The work directory; its `image` is what came out. */
  readonly work: string;
  /** Programs that the last `prepare` ran, each with all of its arguments. */
  readonly runs: string[];
  /** "operation phase" of each event of the last `prepare`. */
  readonly events: string[];
  path(name: string): string;
  /** A raw image in another format, by qemu-img. */
  convert(raw: string, format: string, ...options: string[]): Promise<Buffer>;
  /** A new image by `qemu-img create`. */
  create(format: string, size: string, ...options: string[]): Promise<Buffer>;
  /** Prepares a new work directory that holds `download`. */
  prepare(download: Buffer, options?: PrepareOptions): Promise<Prepared>;
  /** Processes that run in the work directory. */
  running(): Promise<string[]>;
  close(): Promise<void>;
}

export async function openWorkBench(): Promise<WorkBench> {
  const directory = await mkdtemp(join(tmpdir(), "sf-prepare-"));
  const path = (name: string) => join(directory, name);
  const work = path("work");
  const runs: string[] = [];
  const events: string[] = [];
  const exec: Exec = {
    run(program, args, options) {
      runs.push([program, ...args].join(" "));
      return realExec.run(program, args, options);
    },
  };
  return {
    work,
    runs,
    events,
    path,
    async convert(raw, format, ...options) {
      await realExec.run("qemu-img", ["convert", "-f", "raw", "-O", format, ...options, raw, path("made")]);
      return take(path("made"));
    },
    async create(format, size, ...options) {
      await realExec.run("qemu-img", ["create", "-q", "-f", format, ...options, path("made"), size]);
      return take(path("made"));
    },
    async prepare(download, { signal, progress = () => {}, config = {} } = {}) {
      await rm(work, { recursive: true, force: true });
      await mkdir(work, { mode: 0o700 });
      await writeFile(join(work, "download"), download, { mode: 0o600 });
      runs.length = 0;
      events.length = 0;
      const tools = { exec, clock: systemClock, config: { ...readConfig({}).config, ...config } };
      return prepareImage(tools, work, {
        record: ({ operation, phase }) => void events.push(`${operation} ${phase}`),
        signal: signal ?? new AbortController().signal,
        progress,
      });
    },
    running: () => processesIn(work),
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

async function take(file: string): Promise<Buffer> {
  const bytes = await readFile(file);
  await rm(file);
  return bytes;
}

async function processesIn(directory: string): Promise<string[]> {
  const places = await Promise.all(
    (await readdir("/proc"))
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")),
  );
  return places.filter((place) => place.startsWith(directory));
}

/** Standard output of a program that is given `input`. */
export function pipe(input: Buffer, program: string, ...args: string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { encoding: "buffer", maxBuffer: 2 ** 30 } as const;
    const child = execFile(program, args, options, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
    child.stdin?.end(input);
  });
}

export const packers = ["gzip", "xz", "bzip2", "zstd"] as const;

// What fetching an image costs beside `curl -o` of the same file: 1 GiB from loopback, turn by turn in one run. Ours is the
// code that a node runs, in a process of its own: the download alone, the same hashed while it comes, as for a user who gives a checksum,
// and the whole fetch: download, check, place. The server is busybox httpd (sendfile), which is faster than either. Prints figures; judges nothing.
// `npm run bench`, or `node --import tsx bench/fetch.ts`.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { downloadImage } from "#shared/images/download.ts";
import { fetchImage } from "#shared/images/fetch.ts";
import type { Algorithm } from "#shared/ports/http/http.ts";
import { openBench } from "../tests/shared/images/bench.ts";
import { eventually } from "../tests/support/await.ts";
import { median, timed } from "./figures.ts";

const ROUNDS = 5;
const MIB = 2 ** 20;
const SIZE_MIB = 1024;
const SERVER_MS = 10_000;
const CURL_MS = 300_000;

const ours = {
  download: "download, as without a checksum",
  hashed: "download with SHA-256, as with one",
  fetch: "the whole fetch, synced in its place",
};
type What = keyof typeof ours;

/** What the process apart tells. */
interface Measured {
  ms: number;
  grown_mib: number;
}

/** Random content, as a qcow2 that a node takes as it is. */
async function makeImage(directory: string): Promise<string> {
  const raw = join(directory, "raw");
  const file = openSync(raw, "w");
  const block = Buffer.alloc(16 * MIB);
  for (let count = 0; count < SIZE_MIB / 16; count++) writeSync(file, randomFillSync(block));
  closeSync(file);
  const image = join(directory, "image.qcow2");
  execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, image], { timeout: CURL_MS });
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", join(directory, "small.qcow2"), "1G"]);
  rmSync(raw);
  return image;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function serve(directory: string): Promise<{ url: string; close: () => Promise<void> }> {
  const port = await freePort();
  const args = ["httpd", "-f", "-p", `127.0.0.1:${port}`, "-h", directory];
  const server = spawn("busybox", args, { stdio: "ignore" });
  const ended = once(server, "exit");
  await eventually("busybox httpd", SERVER_MS, async () => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    return true;
  });
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.kill();
      await ended;
    },
  };
}

async function runApart(what: What, url: string, directory: string): Promise<Measured> {
  const args = ["--import", "tsx", fileURLToPath(import.meta.url), what, url, directory];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const output = (await child.stdout.toArray()).join("");
  const [code] = await ended;
  if (code !== 0) throw new Error(`${what}: ended with ${code}`);
  return JSON.parse(output) as Measured;
}

/** In the process apart: once with a small file, so that what follows is the file's cost alone. */
async function measure(what: string, url: string, directory: string): Promise<Measured> {
  const bench = await openBench(() => ({}), directory);
  const options = { signal: new AbortController().signal, record: () => {}, progress: () => {} };
  async function fetchOnce(path: string): Promise<void> {
    const source = { url: `${url}/${path}`, sums: "none" } as const;
    if (what === "fetch") await fetchImage(bench.tools, source, { ...options, previous_version: 0 });
    else {
      const digests: Algorithm[] = what === "hashed" ? ["sha256"] : [];
      await downloadImage(bench.tools, source, join(directory, "downloaded"), { ...options, digests });
    }
  }
  await fetchOnce("small.qcow2");
  const before = memory("VmRSS");
  // Makes the peak that is shown begin here (Linux, proc(5)).
  writeFileSync("/proc/self/clear_refs", "5");
  const [ms] = await timed(() => fetchOnce("image.qcow2"));
  const grown_mib = (memory("VmHWM") - before) / 1024;
  await bench.close();
  return { ms, grown_mib };
}

function memory(field: "VmRSS" | "VmHWM"): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"));
  return Number(found?.[1]);
}

const rate = (bytes: number, times_ms: readonly number[]): string => {
  const of = (ms: number) => (bytes / 1e6 / (ms / 1000)).toFixed(0);
  return `${of(median(times_ms))} MB/s (${of(Math.max(...times_ms))}–${of(Math.min(...times_ms))})`;
};

async function bench(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sf-bench-fetch-"));
  const image = await makeImage(directory);
  const server = await serve(directory);
  try {
    const curl_ms: number[] = [];
    const measured = new Map<What, Measured[]>();
    for (let round = 0; round < ROUNDS; round++) {
      curl_ms.push(curlOnce(`${server.url}/image.qcow2`, join(directory, "curl")));
      for (const what of Object.keys(ours) as What[]) {
        const storage = await mkdtemp(join(directory, "storage-"));
        const found = await runApart(what, server.url, storage);
        requireSame(image, storage);
        measured.set(what, [...(measured.get(what) ?? []), found]);
        await rm(storage, { recursive: true });
      }
    }
    print(statSync(image).size, curl_ms, measured);
  } finally {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Among the files that are there must be one like the image. */
function requireSame(image: string, directory: string): void {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
  const same = files.some(
    ({ parentPath, name }) => spawnSync("cmp", ["-s", image, join(parentPath, name)]).status === 0,
  );
  if (!same) throw new Error("another file came");
}

function curlOnce(url: string, file: string): number {
  const started = performance.now();
  execFileSync("curl", ["-s", "-f", "-o", file, url], { timeout: CURL_MS });
  const ms = performance.now() - started;
  rmSync(file);
  return ms;
}

function print(bytes: number, curl_ms: number[], measured: ReadonlyMap<What, Measured[]>): void {
  console.log(`fetch of an image of ${(bytes / MIB).toFixed(0)} MiB from loopback, ${cpus().length} CPUs`);
  console.log(`  curl -o: ${rate(bytes, curl_ms)}`);
  for (const [what, runs] of measured) {
    const times = runs.map(({ ms }) => ms);
    const grown = Math.max(...runs.map(({ grown_mib }) => grown_mib));
    const ratio = (median(curl_ms) / median(times)).toFixed(2);
    console.log(
      `  ${ours[what]}: ${rate(bytes, times)}, ratio ${ratio}, memory grew by ${grown.toFixed(0)} MiB at most`,
    );
  }
}

const [what, url, directory] = process.argv.slice(2);
if (what !== undefined && url !== undefined && directory !== undefined)
  console.log(JSON.stringify(await measure(what, url, directory)));
else await bench();

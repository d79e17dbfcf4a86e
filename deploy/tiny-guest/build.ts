// Builds the tiny guest: a Debian cloud kernel and busybox on a bootable FAT disk, 13 MB of qcow2 that show a login
// prompt in seconds. Nothing is installed, and a finished build is kept until the kernel package or these files change.
import { createHash } from "node:crypto";
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RunOptions, run } from "../lib/run.ts";

export interface TinyGuest {
  /** Bootable qcow2. */
  readonly image: string;
  /** The same kernel and initramfs, for booting without a disk. */
  readonly kernel: string;
  readonly initrd: string;
}

export interface TinyGuestOptions {
  readonly cacheDir?: string;
  readonly say?: (fact: string) => void;
  /** Gives up waiting for apt. */
  readonly signal?: AbortSignal;
}

export const CACHE_DIR = "/var/cache/shakenfist";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const META_PACKAGE = "linux-image-cloud-amd64";
const APT_LISTS = "/var/lib/apt/lists";
const DISK_MIB = 32;

interface KernelPackage {
  readonly name: string;
  readonly version: string;
}

/** The tiny guest from the cache, or built into it. Rejects with a sentence that says what to do. */
export async function tinyGuest(options: TinyGuestOptions = {}): Promise<TinyGuest> {
  const { cacheDir = CACHE_DIR, say = () => {}, signal } = options;
  if (process.arch !== "x64")
    throw new Error(`the tiny guest is for x86-64, this machine is ${process.arch}`);
  const kernel = await findKernelPackage(cacheDir, signal);
  const home = join(cacheDir, `tiny-guest-${kernel.version}-${await builderHash()}`);
  const guest = guestIn(home);
  if (await exists(guest.image)) return guest;

  say(`building from ${kernel.name} and busybox`);
  await mkdir(cacheDir, { recursive: true });
  const work = join(cacheDir, `.tiny-guest-${process.pid}`);
  try {
    await build(work, kernel.name, signal);
    await keep(join(work, "done"), home);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  await removeOthers(cacheDir, home);
  return guest;
}

function guestIn(home: string): TinyGuest {
  return { image: join(home, "tiny.qcow2"), kernel: join(home, "vmlinuz"), initrd: join(home, "initrd") };
}

async function build(work: string, kernelPackage: string, signal?: AbortSignal): Promise<void> {
  const root = join(work, "root");
  const done = join(work, "done");
  await mkdir(done, { recursive: true });
  const packages = await download(work, [kernelPackage, "busybox-static"], signal);
  await Promise.all(packages.map((file) => run("dpkg-deb", ["-x", file, join(work, "packages")])));

  const release = kernelPackage.replace("linux-image-", "");
  await layOutRoot(root, join(work, "packages"));
  await copyModules(root, join(work, "packages"), release);
  await copyFile(join(work, "packages/boot", `vmlinuz-${release}`), join(done, "vmlinuz"));
  await packInitrd(root, join(done, "initrd"));
  await makeDisk(work, done);
}

/** apt needs a second to find it, so the answer is kept for as long as apt's lists are the same. */
async function findKernelPackage(cacheDir: string, signal?: AbortSignal): Promise<KernelPackage> {
  const memo = join(cacheDir, "kernel-package.json");
  const { mtimeMs: lists } = await stat(APT_LISTS);
  const known = await readFile(memo, "utf8")
    .then(JSON.parse)
    .catch(() => ({}));
  if (known.lists === lists) return known.kernel;

  const kernel = await askApt(signal);
  await mkdir(cacheDir, { recursive: true });
  await writeFile(`${memo}.${process.pid}`, JSON.stringify({ lists, kernel }));
  await rename(`${memo}.${process.pid}`, memo);
  return kernel;
}

async function askApt(signal?: AbortSignal): Promise<KernelPackage> {
  const look = () => run("apt-cache", ["show", "--no-all-versions", META_PACKAGE]).catch(() => "");
  let record = await look();
  if (record === "") {
    await updateLists(signal);
    record = await look();
  }
  const name = /^Depends: (linux-image-\S+)/m.exec(record)?.[1];
  const version = /^Version: (\S+)/m.exec(record)?.[1];
  if (name !== undefined && version !== undefined) return { name, version };
  throw new Error(`${META_PACKAGE}: no such package; add Debian's main archive to apt's sources`);
}

async function updateLists(signal?: AbortSignal): Promise<void> {
  await aptGet(["update"], {}, signal);
}

/** With deadlines of its own: by default apt tries an unreachable mirror for minutes. */
async function aptGet(args: readonly string[], options: RunOptions, signal?: AbortSignal): Promise<void> {
  const timeouts = ["http", "https"].flatMap((scheme) => ["-o", `Acquire::${scheme}::Timeout=20`]);
  const wait = { timeoutMs: 180_000, ...(signal && { signal }) };
  await run("apt-get", ["-qq", "-o", "Acquire::Retries=1", ...timeouts, ...args], { ...options, ...wait });
}

/** The .deb files of these packages; refreshes apt's lists once if they name a version that is gone. */
async function download(work: string, packages: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const into = join(work, "debs");
  await mkdir(into, { recursive: true });
  // Else apt complains that its own user may not write here.
  const args = ["-o", "APT::Sandbox::User=root", "download", ...packages];
  const fetchThem = () => aptGet(args, { cwd: into }, signal);
  try {
    await fetchThem();
  } catch {
    await updateLists(signal);
    await fetchThem();
  }
  return (await readdir(into)).map((file) => join(into, file));
}

async function layOutRoot(root: string, packages: string): Promise<void> {
  await cp(join(HERE, "root"), root, { recursive: true });
  await mkdir(join(root, "bin"), { recursive: true });
  await copyFile(join(packages, "bin/busybox"), join(root, "bin/busybox"));
  await chmod(join(root, "bin/busybox"), 0o755);
  for (const link of ["init", "bin/sh"]) await symlink("/bin/busybox", join(root, link));
}

/** Copies the modules of each <name>.modules with those they need, and writes their order to <name>.order. */
async function copyModules(root: string, packages: string, release: string): Promise<void> {
  const modules = join(root, "lib/modules");
  await mkdir(modules, { recursive: true });
  await run("depmod", ["-b", packages, release]);
  for (const list of (await readdir(HERE)).filter((name) => name.endsWith(".modules"))) {
    const wanted = (await readFile(join(HERE, list), "utf8")).trim().split("\n");
    const args = ["-d", packages, "-S", release, "--show-depends", "--all", ...wanted];
    const paths = [...(await run("modprobe", args)).matchAll(/^insmod (\S+)/gm)].map(
      ([, path]) => path ?? "",
    );
    const files = [...new Set(paths)];
    await Promise.all(files.map((file) => copyFile(file, join(modules, basename(file)))));
    const order = files.map((file) => `${basename(file)}\n`).join("");
    await writeFile(join(modules, list.replace(".modules", ".order")), order);
  }
}

async function packInitrd(root: string, into: string): Promise<void> {
  const names = (await readdir(root, { recursive: true })).sort().join("\0");
  const args = [
    "--create",
    "--null",
    "--format=newc",
    "--owner=+0:+0",
    "--reproducible",
    "--quiet",
    `--file=${into}`,
  ];
  await run("cpio", args, { cwd: root, input: names });
}

async function makeDisk(work: string, done: string): Promise<void> {
  const disk = join(work, "disk.img");
  const file = await open(disk, "w");
  await file.truncate(DISK_MIB * 1024 * 1024);
  await file.close();
  await run("mkfs.fat", ["-n", "TINY", disk]);
  const contents = [join(done, "vmlinuz"), join(done, "initrd"), join(HERE, "syslinux.cfg")];
  await run("mcopy", ["-i", disk, ...contents, "::"]);
  await run("syslinux", ["--install", disk]);
  await run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", disk, join(done, "tiny.qcow2")]);
}

/** Two builds may end at once: they are equal, so the first stays. */
async function keep(done: string, home: string): Promise<void> {
  await rename(done, home).catch((error) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

/** Removes builds of other versions, and what a builder that died left behind. */
async function removeOthers(cacheDir: string, home: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const path = join(cacheDir, name);
    const builder = /^\.tiny-guest-(\d+)$/.exec(name)?.[1];
    const abandoned = builder !== undefined && !(await exists(`/proc/${builder}`));
    if (abandoned || (name.startsWith("tiny-guest-") && path !== home)) await rm(path, { recursive: true });
  }
}

async function builderHash(): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(HERE, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort())
    hash
      .update(file.slice(HERE.length))
      .update("\0")
      .update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}

async function exists(path: string): Promise<boolean> {
  const handle = await open(path).catch(() => undefined);
  await handle?.close();
  return handle !== undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log((await tinyGuest({ say: console.error })).image);

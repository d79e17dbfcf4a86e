// Builds the guest image: this machine's Debian, from the mirrors that its apt uses, with cloud-init, sshd and netplan as
// Debian's own cloud images have them. Some 500 MB of qcow2 that show a login prompt in a minute without KVM.
// Needs no loop device: the file systems are made in place. A finished build is kept until cloud-init or these files change.
import { createHash } from "node:crypto";
import { access, copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../lib/run.ts";
import { CACHE_DIR } from "../tiny-guest/build.ts";
import { MBR_CODE, makeDisk } from "./disk.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const INSTALL_MS = 20 * 60_000;
const PROGRAMS = ["mmdebstrap", "mke2fs", "mkfs.fat", "mcopy", "syslinux", "qemu-img"];
/** Left out of the image: nobody reads them in a guest of a test. */
const UNREAD = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/i18n/*"];

export interface GuestImageOptions {
  readonly cacheDir?: string;
  readonly say?: (fact: string) => void;
}

/** Path of the bootable qcow2, from the cache or built into it. Rejects with a sentence that says what to do. */
export async function guestImage(options: GuestImageOptions = {}): Promise<string> {
  const { cacheDir = CACHE_DIR, say = () => {} } = options;
  await requirePrograms();
  const sources = await debianSources();
  const home = join(cacheDir, `guest-image-${await keyOf(sources)}`);
  const image = join(home, "debian.qcow2");
  if (await exists(image)) return image;

  say("building a Debian image with cloud-init; this takes some minutes, once");
  const work = join(cacheDir, `.guest-image-${process.pid}`);
  try {
    await mkdir(join(work, "done"), { recursive: true });
    const root = join(work, "root");
    await installDebian(root, sources);
    await makeAnonymous(root);
    await copyFile(join(HERE, "cloud.cfg"), join(root, "etc/cloud/cloud.cfg.d/95_guest_image.cfg"));
    say("making its disk");
    await makeDisk(root, join(HERE, "syslinux.cfg"), join(work, "disk.img"));
    const formats = ["-f", "raw", "-O", "qcow2"];
    const qcow2 = join(work, "done/debian.qcow2");
    await run("qemu-img", ["convert", ...formats, join(work, "disk.img"), qcow2], { timeoutMs: 300_000 });
    await keep(join(work, "done"), home);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  await removeOthers(cacheDir, home);
  return image;
}

async function requirePrograms(): Promise<void> {
  if (process.arch !== "x64")
    throw new Error(`the guest image is for x86-64, this machine is ${process.arch}`);
  const directories = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  const installed = (name: string) =>
    Promise.all(directories.map((directory) => exists(resolve(directory, name))));
  for (const name of [...PROGRAMS, MBR_CODE])
    if (!(await installed(name)).includes(true))
      throw new Error(`${name} is not installed: run deploy/set-up.sh --guest, then this again`);
}

/** Lines of a sources.list: Debian's main archive, as this machine's apt has it. */
async function debianSources(): Promise<string[]> {
  const format = "$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)";
  const targets = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  const lines = targets
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([origin, , , component]) => origin === "Debian" && component === "main")
    .map(([, uri, release]) => `deb ${uri} ${release} main`);
  if (lines.length > 0) return lines;
  throw new Error("apt has no list of Debian's main archive: add it to apt's sources, run apt-get update");
}

async function installDebian(root: string, sources: readonly string[]): Promise<void> {
  const packages = (await readFile(join(HERE, "packages.txt"), "utf8")).trim().split("\n");
  const suite = sources[0]?.split(" ")[2] ?? "";
  const args = ["--quiet", "--mode=root", "--variant=minbase", "--format=directory"];
  args.push('--aptopt=Acquire::Retries "2"', '--aptopt=Acquire::http::Timeout "20"');
  args.push(...UNREAD.map((pattern) => `--dpkgopt=path-exclude=${pattern}`));
  args.push(`--include=${packages.join(",")}`, suite, root, "-");
  // Written beside the cache, which may be larger than /tmp.
  const env = { ...process.env, TMPDIR: join(root, ".."), LC_ALL: "C" };
  await run("mmdebstrap", args, { input: `${sources.join("\n")}\n`, env, timeoutMs: INSTALL_MS });
}

/** Takes away what is this build's own, as each guest must make it for itself. */
async function makeAnonymous(root: string): Promise<void> {
  const ssh = join(root, "etc/ssh");
  for (const name of await readdir(ssh)) if (name.startsWith("ssh_host_")) await rm(join(ssh, name));
  await writeFile(join(root, "etc/machine-id"), "");
  await rm(join(root, "etc/hostname"), { force: true });
  await writeFile(join(root, "etc/fstab"), "LABEL=guest-root / ext4 defaults 0 1\n");
  await rm(join(root, "etc/resolv.conf"), { force: true });
  await symlink("../run/systemd/resolve/stub-resolv.conf", join(root, "etc/resolv.conf"));
}

/** A new kernel is no reason to build again, a new cloud-init is. */
async function keyOf(sources: readonly string[]): Promise<string> {
  const record = await run("apt-cache", ["show", "--no-all-versions", "cloud-init"]);
  const version = /^Version: (\S+)/m.exec(record)?.[1] ?? "none";
  const hash = createHash("sha256").update(sources.join("\n"));
  for (const name of (await readdir(HERE)).sort())
    hash.update(`\0${name}\0`).update(await readFile(join(HERE, name)));
  return `${version.replaceAll(/[^\w.+-]/g, "_")}-${hash.digest("hex").slice(0, 12)}`;
}

/** Two builds may end at once: either will do, so the first stays. */
async function keep(done: string, home: string): Promise<void> {
  await rename(done, home).catch((error) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

/** Removes builds of other versions, and what a builder that died left behind. */
async function removeOthers(cacheDir: string, home: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const path = join(cacheDir, name);
    const builder = /^\.guest-image-(\d+)$/.exec(name)?.[1];
    const abandoned = builder !== undefined && !(await exists(`/proc/${builder}`));
    if (abandoned || (name.startsWith("guest-image-") && path !== home)) await rm(path, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await guestImage({ say: console.error }));

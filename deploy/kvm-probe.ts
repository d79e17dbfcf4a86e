// Says whether guests really run under KVM here. A /dev/kvm that opens proves nothing: nested in some clouds it lets the
// firmware run and hangs Linux. So the tiny guest's kernel is booted, once for each host kernel and QEMU.
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./lib/run.ts";
import { CACHE_DIR, type TinyGuest, tinyGuest } from "./tiny-guest/build.ts";

export type VirtType = "kvm" | "qemu";

const QEMU = "qemu-system-x86_64";
const DEADLINE_MS = 6_000;

/** "kvm" when userspace was reached under KVM within 6 s. A second call answers from the cache. */
export async function probeKvm(
  guest: TinyGuest,
  cacheDir = CACHE_DIR,
  device = "/dev/kvm",
): Promise<VirtType> {
  if (!(await opens(device))) return "qemu";
  const qemu = (await run(QEMU, ["--version"])).split("\n")[0] ?? "";
  const host = `${release()} ${qemu}`;
  const memo = join(cacheDir, "virt-type.json");
  const known = await readFile(memo, "utf8")
    .then(JSON.parse)
    .catch(() => ({}));
  if (known.host === host) return known.type === "kvm" ? "kvm" : "qemu";

  const type = await boots(guest);
  await mkdir(dirname(memo), { recursive: true });
  await writeFile(memo, `${JSON.stringify({ host, type })}\n`);
  return type;
}

async function boots(guest: TinyGuest): Promise<VirtType> {
  const machine = [
    "-enable-kvm",
    "-cpu",
    "qemu64",
    "-m",
    "128",
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
  ];
  const screen = ["-display", "none", "-serial", "stdio"];
  const append = "console=ttyS0 quiet panic=-1 rdinit=/etc/probe";
  const kernel = ["-kernel", guest.kernel, "-initrd", guest.initrd, "-append", append];
  const answer = run(QEMU, [...machine, ...screen, ...kernel], { timeoutMs: DEADLINE_MS });
  return answer.then(
    (console) => (console.includes("userspace runs") ? "kvm" : "qemu"),
    () => "qemu",
  );
}

/** /dev/kvm can be there without a driver behind it. */
async function opens(device: string): Promise<boolean> {
  const handle = await open(device, "r+").catch(() => undefined);
  await handle?.close();
  return handle !== undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await probeKvm(await tinyGuest()));

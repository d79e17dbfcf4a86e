// Whether KVM runs guests. One that opens proves nothing: nested in some clouds it lets the firmware run and hangs Linux. So
// the host's own kernel is started under it: that it complains about having no disk is proof enough.
import { release } from "node:os";
import type { Cloud } from "../../cloud.ts";
import { CloudError } from "../../errors.ts";
import { check } from "../check.ts";
import { isThere } from "../files.ts";

const QEMU = "qemu-system-x86_64";
const BOOT_MS = 8000;
const MACHINE = [
  "-enable-kvm",
  "-cpu",
  "qemu64",
  "-m",
  "256",
  "-nodefaults",
  "-no-user-config",
  "-no-reboot",
];
const SCREEN = ["-display", "none", "-serial", "stdio"];

export const kvmGuests = check({
  name: "kvm-guests",
  summary: "KVM runs guests where they are to run under it",
  scope: "node",
  reads_store: false,

  async find(cloud, signal) {
    if (cloud.config.VIRT_TYPE !== "kvm") return [];
    const kernel = `/boot/vmlinuz-${release()}`;
    if (!(await isThere(kernel)))
      throw new CloudError("unavailable", `${kernel}: there is no kernel to try KVM with`);
    if (await boots(cloud, kernel, signal)) return [];
    const problem = "Linux does not start under it, though it can be opened";
    return [{ subject: "/dev/kvm", problem, mend: "set SHAKENFIST_VIRT_TYPE=qemu, and restart sf-node" }];
  },
});

async function boots({ exec }: Cloud, kernel: string, signal: AbortSignal): Promise<boolean> {
  const append = "console=ttyS0 panic=-1";
  const args = [...MACHINE, ...SCREEN, "-kernel", kernel, "-append", append];
  const outcome = await exec.run(QEMU, args, { timeout_ms: BOOT_MS, signal }).catch(() => undefined);
  return /Kernel panic|Linux version/.test(outcome?.stdout ?? "");
}

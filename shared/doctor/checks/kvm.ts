// /dev/kvm: there, and open to QEMU. Where root alone may use it, libvirt 9.0 finds KVM as root and not as QEMU's user, throws
// away what it found out about QEMU, and asks it anew at each start: 56 s instead of half a second.
import { readFile, stat } from "node:fs/promises";
import { check } from "../check.ts";
import { unlessAbsent } from "../files.ts";

const DEVICE = "/dev/kvm";
const READ_WRITE = 0o6;

export const kvm = check({
  name: "kvm",
  summary: "QEMU may use /dev/kvm where there is one",
  scope: "node",
  reads_store: false,

  async find({ config, exec }) {
    const device = await unlessAbsent(stat(DEVICE));
    if (device === undefined) {
      if (config.VIRT_TYPE !== "kvm") return [];
      const mend = "modprobe kvm_intel or kvm_amd, or set SHAKENFIST_VIRT_TYPE=qemu";
      return [{ subject: DEVICE, problem: "guests are to run under KVM, and it is not there", mend }];
    }
    const group = groupOf(await readFile("/etc/group", "utf8"), "kvm");
    if (isOpen(device, group)) return [];
    const problem = "QEMU's user may not use it: each start of a guest takes a minute";
    const mend = `chgrp kvm ${DEVICE}; chmod 660 ${DEVICE}`;
    if (group === undefined) return [{ subject: DEVICE, problem, mend: `groupadd --system kvm; ${mend}` }];
    const fix = async () => {
      await exec.run("chgrp", ["kvm", DEVICE]);
      await exec.run("chmod", ["660", DEVICE]);
    };
    return [{ subject: DEVICE, problem, mend, fix }];
  },
});

/** The number of a group, from the text of /etc/group. */
export function groupOf(groups: string, name: string): number | undefined {
  const line = groups.split("\n").find((each) => each.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}

/** To everybody, or to the group that QEMU's user is in. */
export function isOpen({ mode, gid }: { mode: number; gid: number }, group: number | undefined): boolean {
  const others = mode & 0o7;
  const members = (mode >> 3) & 0o7;
  return (others & READ_WRITE) === READ_WRITE || (gid === group && (members & READ_WRITE) === READ_WRITE);
}

// Programs that a node runs, each with the Debian package that has it.
import { check } from "../check.ts";

const PACKAGES: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  virsh: "libvirt-clients",
  genisoimage: "genisoimage",
  dnsmasq: "dnsmasq-base",
  ip: "iproute2",
  bridge: "iproute2",
  nft: "nftables",
  prlimit: "util-linux",
  fallocate: "util-linux",
  setpriv: "util-linux",
  unshare: "util-linux",
  xz: "xz-utils",
  bzip2: "bzip2",
  zstd: "zstd",
};

export const programs = check({
  name: "programs",
  summary: "Every program that a node runs is installed",
  scope: "node",
  reads_store: false,

  async find({ exec }, signal) {
    const names = Object.keys(PACKAGES);
    const { stdout } = await exec.run("which", names, { accept: [0, 1], signal });
    const there = new Set(stdout.split("\n").map((path) => path.slice(path.lastIndexOf("/") + 1)));
    return names
      .filter((name) => !there.has(name))
      .map((name) => ({
        subject: name,
        problem: "is not installed",
        mend: `apt-get install ${PACKAGES[name]}`,
      }));
  },
});

// Frames between guests of one bridge that the host's firewall sees, and drops: what container engines switch on.
import { readFile } from "node:fs/promises";
import { check } from "../check.ts";
import { unlessAbsent } from "../files.ts";

const SWITCH = "/proc/sys/net/bridge/bridge-nf-call-iptables";

interface Chain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}

export const firewall = check({
  name: "firewall",
  summary: "The host's firewall does not drop what guests send to each other",
  scope: "node",
  reads_store: false,

  async find({ exec }, signal) {
    // Without the kernel's module there is no such switch.
    const setting = await unlessAbsent(readFile(SWITCH, "utf8"));
    if (setting === undefined || setting.trim() === "0") return [];
    const { stdout } = await exec.run("nft", ["--json", "list", "chains"], { signal });
    return dropping(stdout).map(({ family, table, name }) => ({
      subject: `chain ${family} ${table} ${name}`,
      problem: "drops what no rule of it accepts, and frames between guests go through it",
      mend: "sysctl -w net.bridge.bridge-nf-call-iptables=0, unless a container engine needs it",
    }));
  },
});

/** Chains of others that forwarded packets come through, and that drop by default. */
export function dropping(listing: string): Chain[] {
  const { nftables = [] } = (listing === "" ? {} : JSON.parse(listing)) as { nftables?: { chain?: Chain }[] };
  return nftables
    .flatMap(({ chain }) => (chain === undefined ? [] : [chain]))
    .filter(({ table, hook, policy, family }) => {
      const isForward = hook === "forward" && policy === "drop";
      return isForward && ["ip", "inet"].includes(family) && table !== "shakenfist";
    });
}

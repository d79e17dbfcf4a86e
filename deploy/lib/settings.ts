// The node's settings for a quick start: the user's SHAKENFIST_ variables, then those of the last start, then what suits
// one small machine.
import { existsSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

export const OWN_ETCD = "127.0.0.1:2379";

type Variables = Readonly<Record<string, string | undefined>>;

export function chooseSettings(given: Variables, last: Variables, virtType: string): Record<string, string> {
  const chosen: Record<string, string> = {
    SHAKENFIST_ETCD_HOSTS: OWN_ETCD,
    SHAKENFIST_RAM_SYSTEM_RESERVATION: "0.5",
    SHAKENFIST_API_ADDRESS: "127.0.0.1",
    ...nodeSettings(last),
    // What the machine is like now, whatever it was at the last start.
    SHAKENFIST_VIRT_TYPE: virtType,
    ...nodeSettings(given),
  };
  if (given.SHAKENFIST_NODE_EGRESS_NIC === undefined) chosen.SHAKENFIST_NODE_EGRESS_NIC = egressLink();
  chosen.SHAKENFIST_FLOATING_NETWORK ??= freeBlock();
  const allowed = chosen.SHAKENFIST_IMAGE_URL_ALLOW ?? "";
  if (!allowed.includes(LOOPBACK)) chosen.SHAKENFIST_IMAGE_URL_ALLOW = `${LOOPBACK} ${allowed}`.trim();
  return chosen;
}

function nodeSettings(variables: Variables): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined && name.startsWith("SHAKENFIST_") && !CLIENT.has(name)) settings[name] = value;
  }
  return settings;
}

/** The user's settings: the lines of the node's configuration file, and the environment, which wins. */
export function givenSettings(environment: Variables): Record<string, string> {
  const file = environment.SHAKENFIST_CONFIG ?? "/etc/sf/sf-node.conf";
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const lines = text.matchAll(/^\s*(?:export\s+)?(?:SHAKENFIST_)?([A-Z_]+)\s*=\s*(["']?)(.*?)\2\s*$/gm);
  const inFile = Object.fromEntries([...lines].map(([, name, , value]) => [`SHAKENFIST_${name}`, value]));
  return nodeSettings({ ...inFile, ...environment });
}

const CLIENT = new Set(["SHAKENFIST_NAMESPACE", "SHAKENFIST_KEY", "SHAKENFIST_API_URL"]);
const LOOPBACK = "127.0.0.0/8";

/** The link of the default route, else any other that is up with an IPv4 address. */
function egressLink(): string {
  const routes = readFileSync("/proc/net/route", "utf8").trim().split("\n").slice(1);
  const towardsAll = routes
    .map((line) => line.split("\t"))
    .find(([, to, , , , , , mask]) => to === "00000000" && mask === "00000000");
  const link = towardsAll?.[0] ?? addresses().find(({ link }) => !link.startsWith("phy-br-"))?.link;
  if (link !== undefined) return link;
  throw new Error(
    "this machine has no network link with an IPv4 address; give it one, or name it with SHAKENFIST_NODE_EGRESS_NIC",
  );
}

/** A block for floating addresses that no link of this machine is in. */
function freeBlock(): string {
  const used = addresses().filter(({ link }) => !link.startsWith("phy-br-"));
  const isFree = (third: number) => !used.some(({ address }) => address.startsWith(`192.168.${third}.`));
  const third = Array.from({ length: 20 }, (_, index) => 20 + index).find(isFree) ?? 20;
  return `192.168.${third}.0/24`;
}

function addresses(): { link: string; address: string }[] {
  return Object.entries(networkInterfaces()).flatMap(([link, infos]) =>
    (infos ?? [])
      .filter((info) => info.family === "IPv4" && !info.internal)
      .map(({ address }) => ({ link, address })),
  );
}

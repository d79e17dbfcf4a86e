// Links, taps, namespaces, DHCP servers and their directories of networks and guests that are gone. Rules have no check of their
// own: those of a network go with its namespace, those of the node are the node's.
import type { Cloud } from "../../cloud.ts";
import { belongsHere } from "../../networks/converge.ts";
import {
  carrierPrefix,
  INTERFACES,
  type InterfaceRecord,
  NETWORKS,
  type NetworkRecord,
} from "../../networks/record.ts";
import { tapName } from "../../networks/taps.ts";
import type { Leftover, Wanted } from "../../ports/network/network.ts";
import { type Check, check, type Found } from "../check.ts";

const checkOf = (kinds: readonly Leftover["kind"][], name: string, summary: string): Check =>
  check({
    name,
    summary,
    scope: "node",
    reads_store: true,
    async find(cloud) {
      const left = await cloud.network.leftovers(wantedHere(cloud));
      return left.filter(({ kind }) => kinds.includes(kind)).map((each) => foundOf(cloud, each));
    },
  });

export const dnsmasq = checkOf(
  ["dnsmasq", "DHCP directory"],
  "dnsmasq",
  "Every DHCP server and its directory have their network",
);
export const namespaces = checkOf(
  ["namespace"],
  "namespaces",
  "Every network namespace of ours has its network",
);
export const links = checkOf(["link"], "links", "Every bridge, VXLAN and veth link of ours has its network");
export const taps = checkOf(["tap"], "taps", "Every tap of ours has its interface");

/** What is being taken away is still carried: its key goes after its links. */
function wantedHere(cloud: Cloud): Wanted {
  const { mirror } = cloud.store;
  const prefix = carrierPrefix(cloud.node.name);
  const wanted = mirror
    .list<NetworkRecord>(NETWORKS)
    .filter(({ value }) => value.state === "deleting" || belongsHere(cloud, value));
  const carried = mirror.list(prefix).map(({ key }) => key.slice(prefix.length));
  const interfaces = mirror
    .list<InterfaceRecord>(INTERFACES)
    .filter(({ value }) => value.node === cloud.node.name && value.state !== "deleted");
  return {
    networks: new Set([...wanted.map(({ value }) => value.uuid), ...carried]),
    taps: new Set(interfaces.map(({ value }) => tapName(value.uuid))),
  };
}

const foundOf = (cloud: Cloud, left: Leftover): Found => ({
  subject: `${left.kind === "dnsmasq" ? "" : `${left.kind} `}${left.name}`,
  problem: left.network === undefined ? "no interface here bears it" : `network ${left.network} is not here`,
  mend: commandFor(left),
  async fix() {
    await cloud.network.discard(left);
  },
});

function commandFor({ kind, name, network }: Leftover): string {
  if (kind === "namespace") return `ip netns delete ${network}`;
  if (kind === "dnsmasq") return `kill ${name.split(" ")[1]}`;
  return kind === "DHCP directory" ? `rm -r ${name}` : `ip link delete ${name}`;
}

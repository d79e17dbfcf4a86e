// The network port on Linux: reads what is, computes what is missing, applies it in a few batches.
// All links of a network carry its UUID as their alias, so that every node can tell whose they are.
import { CloudError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { openMutex } from "../../mutex.ts";
import type { Exec } from "../exec/exec.ts";
import { checkNetwork, checkNode, checkPlan, checkTaps } from "./check.ts";
import { ensureNetwork, type Parts, removeNetwork } from "./converge-network.ts";
import { openDhcp, type Render } from "./dhcp.ts";
import { openHosts } from "./hosts.ts";
import { openIp } from "./ip.ts";
import { discardLeftover, findLeftovers } from "./leftovers.ts";
import { vxidOfLink } from "./names.ts";
import type { FoundNetwork, Network } from "./network.ts";
import { ensureNode, type NodeParts, removeNode } from "./node-links.ts";
import { openRules } from "./rules.ts";
import { ensureGuestRules } from "./taps.ts";

export interface LinuxNetworkOptions {
  exec: Exec;
  egress_nic: string;
  /** This node's own address in the mesh. */
  node_address: string;
  storage_path: string;
  /** Fills a template: dnsmasq.conf, gateway.nft, guests.nft or node.nft. */
  render: Render;
  log: Log;
}

/** Loopback carries no mesh; its 64 KiB would be no use to a guest. */
const LOOPBACK_MTU = 1550;

export function openLinuxNetwork(options: LinuxNetworkOptions): Network {
  const { exec, egress_nic, node_address, storage_path, render, log } = options;
  const parts: Parts & NodeParts = {
    exec,
    ip: openIp(exec),
    hosts: openHosts(log),
    rules: openRules(exec),
    dhcp: openDhcp({ exec, storagePath: storage_path, render }),
    render,
    storagePath: storage_path,
    egressNic: egress_nic,
    nodeAddress: node_address,
  };
  const mutex = openMutex();
  /** By uuid, the plan that was last made true. */
  const held = new Map<string, string>();
  const told = (fields: object, mended: string[]) => {
    if (mended.length > 0) log.info({ ...fields, mended }, "links and rules mended");
    return mended;
  };

  return {
    underlayMtu: () => underlayMtu(parts),
    async ensureNode(links) {
      checkNode(links);
      return told(links, await mutex.run("node", () => ensureNode(parts, links)));
    },
    async removeNode(links) {
      checkNode(links);
      await mutex.run("node", () => removeNode(parts, links));
    },
    async ensureGuestRules(taps) {
      checkTaps(taps);
      return told({}, await mutex.run("guests", () => ensureGuestRules(parts, taps)));
    },
    async ensure(plan) {
      checkPlan(plan);
      const mended = await mutex.run(String(plan.vxid), () => ensureNetwork(parts, plan));
      held.set(plan.uuid, JSON.stringify(plan));
      return told({ network: plan.uuid }, mended);
    },
    holds: (plan) => held.get(plan.uuid) === JSON.stringify(plan),
    async remove(network) {
      checkNetwork(network);
      held.delete(network.uuid);
      await mutex.run(String(network.vxid), () => removeNetwork(parts, network));
    },
    list: () => listNetworks(parts),
    leftovers: (wanted) => findLeftovers(parts, wanted),
    async discard(leftover) {
      const line = vxidOfLink(leftover.name) ?? leftover.name;
      await mutex.run(String(line), () => discardLeftover(parts, leftover));
    },
  };
}

async function underlayMtu({ ip, egressNic }: Parts): Promise<number> {
  const link = (await ip.read([`address show dev ${egressNic}`])).links.get(egressNic);
  if (link === undefined)
    throw new CloudError("internal", `${egressNic}: there is no such interface on this node`);
  return link.flags.includes("LOOPBACK") ? LOOPBACK_MTU : link.mtu;
}

async function listNetworks({ ip }: Parts): Promise<FoundNetwork[]> {
  const owners = new Map<number, string | undefined>();
  for (const link of (await ip.read(["address show"])).links.values()) {
    const vxid = vxidOfLink(link.ifname);
    if (vxid !== undefined) owners.set(vxid, link.ifalias ?? owners.get(vxid));
  }
  return [...owners].map(([vxid, uuid]) => (uuid === undefined ? { vxid } : { vxid, uuid }));
}

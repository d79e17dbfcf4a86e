// Looks at every value of a plan before it is put into a command, a rule or a file that another program reads.
import { isIP, isIPv4 } from "node:net";
import { CloudError } from "../../errors.ts";
import { parseNetblock } from "./netblock.ts";
import type { Gateway, NetworkPlan, NodeLinks, Tap } from "./network.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
const DOMAIN = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const LINK = /^[A-Za-z0-9_.@-]{1,15}$/;
/** The longest number with which every link name fits the kernel's 15 characters. */
const MAX_VXID = 999_999;

/** Rejects a plan that names something impossible with CloudError "malformed". */
export function checkPlan(plan: NetworkPlan): void {
  checkNetwork(plan);
  parseNetblock(plan.netblock);
  require(plan.mtu >= 576 && plan.mtu <= 65535, plan, `${plan.mtu} is no MTU`);
  for (const address of plan.mesh) require(isIPv4(address), plan, `${quoted(address)} is no address`);
  checkTaps(plan.taps);
  if (plan.gateway !== undefined) checkGateway(plan, plan.gateway);
}

export function checkTaps(taps: readonly Tap[]): void {
  for (const { name, macaddr, address, also = [] } of taps) {
    if (!LINK.test(name)) throw new CloudError("malformed", `tap ${quoted(name)}: no name of an interface`);
    if (!MAC.test(macaddr))
      throw new CloudError("malformed", `tap ${name}: ${quoted(macaddr)} is no MAC address`);
    const wrong = [address, ...also].find((it) => !isIPv4(it));
    if (wrong !== undefined) throw new CloudError("malformed", `tap ${name}: ${quoted(wrong)} is no address`);
  }
}

export function checkNetwork(network: { uuid: string; vxid: number }): void {
  require(UUID.test(network.uuid), network, "its uuid is none");
  const { vxid } = network;
  require(Number.isInteger(vxid) && vxid >= 1 && vxid <= MAX_VXID, network, `${vxid} is no vxid`);
}

export function checkNode(links: NodeLinks): void {
  if (!LINK.test(links.egress_nic))
    throw new CloudError("malformed", `${quoted(links.egress_nic)}: not an interface`);
  if (links.floating_netblock !== undefined) parseNetblock(links.floating_netblock);
  for (const host of links.off_limits ?? []) {
    if (!DOMAIN.test(host) && !isIP(host)) throw new CloudError("malformed", `${quoted(host)}: not a host`);
  }
}

function checkGateway(plan: NetworkPlan, { dhcp, nat, floating }: Gateway): void {
  const addresses = [
    ...(dhcp?.dns ?? []),
    ...(dhcp?.hosts ?? []).map((it) => it.address),
    ...(nat === undefined ? [] : [nat.address]),
    ...floating.flatMap((it) => [it.address, it.inner]),
  ];
  for (const address of addresses) require(isIPv4(address), plan, `${quoted(address)} is no address`);
  if (dhcp === undefined) return;
  require(DOMAIN.test(dhcp.domain), plan, `${quoted(dhcp.domain)} is no domain`);
  for (const host of dhcp.hosts) {
    require(MAC.test(host.macaddr), plan, `${quoted(host.macaddr)} is no MAC address`);
    require(!/[\s,]/.test(host.name), plan, `${quoted(host.name)} is no host name`);
  }
}

function require(holds: boolean, network: { uuid: string }, fact: string): void {
  if (!holds) throw new CloudError("malformed", `network ${quoted(network.uuid)}: ${fact}`);
}

const quoted = (value: string) => JSON.stringify(value).slice(1, -1);

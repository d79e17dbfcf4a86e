// What a test cluster is to be: its hosts, their addresses and the settings of the nodes, from what the user asked for.
import { isIPv4 } from "node:net";
import { type Config, readConfig } from "#shared/config.ts";
import { messageOf } from "#shared/errors.ts";
import { type Netblock, parseNetblock } from "#shared/networks/netblock.ts";

export interface ClusterOptions {
  /** 1 to 5. */
  readonly nodes: number;
  /** Members: 1 or 3. */
  readonly etcd?: number;
  /** Of the underlay; a guest's is 50 less. */
  readonly mtu?: number;
  /** The block of the hosts' addresses, a /24. */
  readonly underlay?: string;
  /** SHAKENFIST_ settings of all nodes. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface HostPlan {
  readonly name: string;
  readonly kind: "node" | "etcd";
  readonly address: string;
}

export interface Plan {
  readonly hosts: readonly HostPlan[];
  readonly mtu: number;
  readonly underlay: string;
  /** This machine's own address on the underlay. */
  readonly gateway: string;
  readonly settings: Readonly<Record<string, string>>;
}

export const ETCD_PORT = 2379;
const MOST_NODES = 5;
const FIRST_NODE = 11;
const FIRST_ETCD = 2;
const PREFIX = "SHAKENFIST_";

/** What makes a node the node that it is. */
const DECIDED = ["NODE_NAME", "NODE_IP", "NODE_EGRESS_NIC", "NETWORK_NODE_IP", "ETCD_HOSTS", "STORAGE_PATH"];

/** Rejects with what to give instead. */
export function planCluster(options: ClusterOptions): Plan {
  const { nodes, etcd = 1, mtu = 1550, underlay = "10.66.0.0/24" } = options;
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MOST_NODES)
    throw new Error(`--nodes: give a number from 1 to ${MOST_NODES}`);
  if (etcd !== 1 && etcd !== 3)
    throw new Error("--etcd: give 1 or 3: two members would be no safer than one");
  if (!Number.isInteger(mtu) || mtu < 1330 || mtu > 65_535)
    throw new Error("--mtu: give a number from 1330 to 65535; guests get 50 less");
  const address = addressesOf(underlay);
  const hosts = (kind: HostPlan["kind"], prefix: string, count: number, first: number) =>
    Array.from({ length: count }, (_, at) => ({
      name: `${prefix}-${at + 1}`,
      kind,
      address: address(first + at),
    }));
  const plan = {
    hosts: [...hosts("etcd", "etcd", etcd, FIRST_ETCD), ...hosts("node", "sf", nodes, FIRST_NODE)],
    mtu,
    underlay,
    gateway: address(1),
    settings: readSettings(options.settings ?? {}),
  };
  requireApart(plan);
  return plan;
}

function parseFloating(block: string): Netblock {
  try {
    return parseNetblock(block);
  } catch (cause) {
    throw new Error(`--set FLOATING_NETWORK: ${messageOf(cause)}`, { cause });
  }
}

function requireApart(plan: Plan): void {
  const [hosts, floating] = [parseNetblock(plan.underlay), parseFloating(floatingBlock(plan))];
  if (floating.last < hosts.first || hosts.last < floating.first) return;
  throw new Error(
    `the underlay ${plan.underlay} and FLOATING_NETWORK ${floatingBlock(plan)} overlap: choose another of them`,
  );
}

/** The `n`-th address of a /24. */
function addressesOf(underlay: string): (n: number) => string {
  const [, start = ""] = /^(\d+\.\d+\.\d+\.)0\/24$/.exec(underlay) ?? [];
  if (!isIPv4(`${start}0`)) throw new Error(`--underlay: '${underlay}' is no /24 block such as 10.66.0.0/24`);
  return (n) => `${start}${n}`;
}

/** Names with or without their prefix. An unknown one is refused: a node would only warn of it, in its log. */
function readSettings(given: Readonly<Record<string, string>>): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const bare = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
    if (DECIDED.includes(bare)) throw new Error(`--set ${bare}: is different on each node, and set for you`);
    settings[PREFIX + bare] = value;
  }
  const { warnings } = readConfig(settings);
  if (warnings[0] !== undefined)
    throw new Error(`--set ${warnings[0].replace(", ignored", "")}; see docs/configuration.md`);
  return settings;
}

export function nodesOf(plan: Plan): readonly HostPlan[] {
  return plan.hosts.filter(({ kind }) => kind === "node");
}

export function etcdHosts(plan: Plan): string[] {
  return plan.hosts.filter(({ kind }) => kind === "etcd").map(({ address }) => `${address}:${ETCD_PORT}`);
}

/** The first node: it has the networks' namespaces, NAT and floating addresses. */
export function networkNode(plan: Plan): HostPlan {
  const [first] = nodesOf(plan);
  if (first === undefined) throw new Error("a cluster has at least one node");
  return first;
}

/** Nodes also read <their disk>/sf-node.conf, which a user may write: there it is below /run/disk. */
export function nodeSettings(plan: Plan, host: HostPlan): Record<string, string> {
  return {
    SHAKENFIST_CONFIG: "/run/disk/sf-node.conf",
    SHAKENFIST_VIRT_TYPE: "qemu",
    SHAKENFIST_RAM_SYSTEM_RESERVATION: "0.5",
    SHAKENFIST_IMAGE_URL_ALLOW: plan.underlay,
    ...plan.settings,
    SHAKENFIST_NODE_NAME: host.name,
    SHAKENFIST_NODE_IP: host.address,
    SHAKENFIST_NODE_EGRESS_NIC: "eth0",
    SHAKENFIST_NETWORK_NODE_IP: networkNode(plan).address,
    SHAKENFIST_ETCD_HOSTS: etcdHosts(plan).join(","),
  };
}

function configOf(plan: Plan, host: HostPlan): Config {
  return readConfig(nodeSettings(plan, host)).config;
}

export function floatingBlock(plan: Plan): string {
  return configOf(plan, networkNode(plan)).FLOATING_NETWORK;
}

export function apiUrl(plan: Plan, host: HostPlan): string {
  return `http://${host.address}:${configOf(plan, host).API_PORT}`;
}

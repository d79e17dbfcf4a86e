// The network port without a kernel: keeps what it was told, answers what would have been mended, fails when asked to.
import { CloudError } from "../../errors.ts";
import { checkNetwork, checkNode, checkPlan, checkTaps } from "./check.ts";
import { bridgeLink, physicalBridge, vxlanLink } from "./names.ts";
import type { Leftover, Network, NetworkPlan, NodeLinks, Tap } from "./network.ts";

export interface MemoryNetwork extends Network {
  /** By uuid. */
  readonly plans: Map<string, NetworkPlan>;
  /** As last ensured; undefined after removeNode. */
  node: NodeLinks | undefined;
  /** As last given to ensureGuestRules. */
  taps: readonly Tap[];
  /** What the next `ensure` finds damaged and mends. */
  damage: string[];
  /** As `damage`, for `ensureGuestRules`. */
  guest_damage: string[];
  underlay_mtu: number;
  /** What `leftovers` finds as far as it is not wanted. */
  left: Leftover[];
  /** The next call of this operation rejects with these words. */
  failNext(operation: keyof Network, words: string): void;
  /** Called before each operation: may wait, throw or look. */
  before: (operation: keyof Network, subject?: unknown) => void | Promise<void>;
}

export function memoryNetwork(): MemoryNetwork {
  const failures = new Map<keyof Network, string>();
  const begin = async (operation: keyof Network, subject?: unknown) => {
    await network.before(operation, subject);
    const words = failures.get(operation);
    failures.delete(operation);
    if (words !== undefined) throw new CloudError("internal", words);
  };

  const network: MemoryNetwork = {
    plans: new Map(),
    node: undefined,
    taps: [],
    damage: [],
    guest_damage: [],
    underlay_mtu: 1500,
    left: [],
    before: () => {},
    failNext: (operation, words) => void failures.set(operation, words),

    async underlayMtu() {
      await begin("underlayMtu");
      return network.underlay_mtu;
    },
    async ensureNode(links) {
      checkNode(links);
      await begin("ensureNode", links);
      if (same(network.node, links)) return [];
      const made = network.node === undefined ? "create" : "mend";
      network.node = structuredClone(links);
      return links.floating_netblock === undefined
        ? ["load rules of the node"]
        : [`${made} ${physicalBridge(links.egress_nic)}`];
    },
    async removeNode(links) {
      checkNode(links);
      await begin("removeNode", links);
      network.node = undefined;
    },
    async ensureGuestRules(taps) {
      checkTaps(taps);
      await begin("ensureGuestRules", taps);
      network.taps = structuredClone(taps);
      return network.guest_damage.splice(0);
    },
    holds: (plan) => same(network.plans.get(plan.uuid), plan),
    async ensure(plan) {
      checkPlan(plan);
      await begin("ensure", plan);
      const known = network.plans.get(plan.uuid);
      network.plans.set(plan.uuid, structuredClone(plan));
      const mended = known === undefined ? creation(plan) : difference(known, plan);
      return [...network.damage.splice(0), ...mended];
    },
    async remove(subject) {
      checkNetwork(subject);
      await begin("remove", subject);
      network.plans.delete(subject.uuid);
    },
    async list() {
      await begin("list");
      return [...network.plans.values()].map(({ uuid, vxid }) => ({ uuid, vxid }));
    },
    async leftovers({ networks, taps }) {
      await begin("leftovers");
      return network.left.filter((each) =>
        each.kind === "tap" ? !taps.has(each.name) : !networks.has(each.network ?? ""),
      );
    },
    async discard(leftover) {
      await begin("discard", leftover);
      network.left = network.left.filter(({ name }) => name !== leftover.name);
    },
  };
  return network;
}

function creation(plan: NetworkPlan): string[] {
  return [
    `create ${bridgeLink(plan.vxid)}`,
    `create ${vxlanLink(plan.vxid)}`,
    ...(plan.gateway === undefined ? [] : [`create namespace ${plan.uuid}`]),
    ...(plan.gateway?.dhcp === undefined ? [] : ["create dhcp"]),
    ...meshDifference([], plan.mesh),
  ];
}

function difference(known: NetworkPlan, plan: NetworkPlan): string[] {
  const { mesh: oldMesh, taps: _old, gateway: oldGateway, ...oldLinks } = known;
  const { mesh, taps: _new, gateway, ...links } = plan;
  const { dhcp: oldDhcp, ...oldRouting } = oldGateway ?? { floating: [] };
  const { dhcp, ...routing } = gateway ?? { floating: [] };
  return [
    ...(same(oldLinks, links) ? [] : [`mend ${bridgeLink(plan.vxid)}`]),
    ...meshDifference(oldMesh, mesh),
    ...(same(oldRouting, routing) ? [] : ["load rules"]),
    ...(same(oldDhcp, dhcp) ? [] : [dhcp === undefined ? "remove dhcp" : "update dhcp"]),
  ];
}

function meshDifference(before: readonly string[], after: readonly string[]): string[] {
  const added = after.filter((it) => !before.includes(it));
  const removed = before.filter((it) => !after.includes(it));
  return [
    ...(added.length > 0 ? [`add mesh elements: ${added.join(" ")}`] : []),
    ...(removed.length > 0 ? [`remove mesh elements: ${removed.join(" ")}`] : []),
  ];
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

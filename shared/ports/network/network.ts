// The links, namespaces, rules and DHCP servers of this node, made from desired state.
// Names and numbers are the contract of the cloud: vxlan-N, br-vxlan-N, veth-N-o/-i, phy-N-o/-i, and on the network node a
// namespace named by the network's UUID.

/** What every node that serves guests or floating addresses has once. */
export interface NodeLinks {
  /** The interface towards the world and the other nodes. */
  egress_nic: string;
  /** CIDR of the floating network; its first host address is put on the physical bridge. Only on the network node. */
  floating_netblock?: string;
  /**
   * Addresses or names of nodes and of the store. No guest may open a connection to them, or to this host, by NAT; without
   * the list they may.
   */
  off_limits?: readonly string[];
}

/** A guest's end of a cable on this node, and the one sender that may use it. */
export interface Tap {
  name: string;
  macaddr: string;
  address: string;
  /** Of the guest's other interfaces on the same network: Linux answers for each of its addresses on every link. */
  also?: readonly string[];
}

export interface DhcpHost {
  macaddr: string;
  name: string;
  address: string;
}

/** The part of a network that only the network node has. */
export interface Gateway {
  /** Serves known MACs only, from `hosts`. */
  dhcp?: { domain: string; dns: readonly string[]; hosts: readonly DhcpHost[] };
  /** Egress through this floating address. */
  nat?: { address: string };
  /** Floating address to inner address, one to one; works without `nat` too. */
  floating: readonly { address: string; inner: string }[];
}

/** What one network should be on this node. */
export interface NetworkPlan {
  uuid: string;
  vxid: number;
  /** CIDR; the router is its first host address. */
  netblock: string;
  /** Of the guests: the underlay's less 50. */
  mtu: number;
  /** Underlay addresses of the other nodes that carry this network; never this node's own. */
  mesh: readonly string[];
  /** Of the guests on this node: what is off the bridge is put back on it. */
  taps: readonly Tap[];
  gateway?: Gateway;
}

/** A network as found on this node, by its links; `uuid` where its namespace tells. */
export interface FoundNetwork {
  vxid: number;
  uuid?: string;
}

/** Something of a network or a guest that is gone; `network` where its mark tells whose it was. */
export interface Leftover {
  kind: "link" | "tap" | "namespace" | "dnsmasq" | "DHCP directory";
  name: string;
  network?: string;
}

/** What may be here: networks by UUID, taps by name. */
export interface Wanted {
  networks: ReadonlySet<string>;
  taps: ReadonlySet<string>;
}

/**
 * Every call is idempotent, works in batches, and rejects with CloudError "internal" naming the program and its words,
 * or "unavailable" past a deadline. `ensure*` answer with what was missing or wrong and has been mended: empty when
 * nothing had to change, which costs a few reads only.
 */
export interface Network {
  /** MTU of the link that carries the mesh, in bytes. */
  underlayMtu(): Promise<number>;
  ensureNode(links: NodeLinks): Promise<string[]>;
  removeNode(links: NodeLinks): Promise<void>;
  /** What guests may send. `taps` are all of this node, of all networks; others than before are nothing mended. */
  ensureGuestRules(taps: readonly Tap[]): Promise<string[]>;
  ensure(plan: NetworkPlan): Promise<string[]>;
  /** Whether this is the plan that was last made true: then what `ensure` mends was damaged. */
  holds(plan: NetworkPlan): boolean;
  /** Takes away all that this node has of the network: links, namespace, rules, DHCP server and its directory. */
  remove(network: { uuid: string; vxid: number }): Promise<void>;
  list(): Promise<FoundNetwork[]>;
  /** What bears our mark and is of nothing that is wanted; what others made is never among it. */
  leftovers(wanted: Wanted): Promise<Leftover[]>;
  /** Takes it away, unless it has become something else. */
  discard(leftover: Leftover): Promise<void>;
}

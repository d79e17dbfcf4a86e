// Networks, their interfaces and what is allocated of them, as the store keeps them.

export type NetworkState = "initial" | "created" | "deleting" | "deleted" | "error";

export interface NetworkRecord {
  uuid: string;
  name: string | null;
  /** null for the floating network alone. */
  namespace: string | null;
  /** As it was given. */
  netblock: string;
  provide_dhcp: boolean | null;
  provide_nat: boolean | null;
  vxid: number;
  floating_gateway: string | null;
  state: NetworkState;
  state_updated: number;
  error_message: string | null;
  metadata: Record<string, unknown>;
}

export type InterfaceState = "initial" | "created" | "deleted";

export interface InterfaceRecord {
  uuid: string;
  network_uuid: string;
  instance_uuid: string;
  /** The node of its instance: who carries the network there. */
  node: string;
  /** Its instance's name, for DHCP. */
  host_name: string;
  /** As it was given. */
  macaddr: string;
  ipv4: string;
  /** 0-based, by the request. */
  order: number;
  model: string;
  floating: string | null;
  state: InterfaceState;
  state_updated: number;
}

/** An address that is taken, and by what. */
export interface AddressRecord {
  use: "interface" | "gateway" | "floating";
  owner: string;
}

export const FLOATING = "floating";

export const NETWORKS = "network/";
export const networkKey = (uuid: string): string => `${NETWORKS}${uuid}`;
export const INTERFACES = "interface/";
export const interfaceKey = (uuid: string): string => `${INTERFACES}${uuid}`;
export const addressPrefix = (network: string): string => `address/${network}/`;
export const addressKey = (network: string, address: string): string => `${addressPrefix(network)}${address}`;
export const VXIDS = "vxid/";
export const vxidKey = (vxid: number): string => `${VXIDS}${vxid}`;

/** A node that has links of the network, or will have: its number is not free before they are gone. */
export interface CarrierRecord {
  vxid: number;
}
export const CARRIERS = "carrier/";
export const carrierPrefix = (node: string): string => `${CARRIERS}${node}/`;
export const carrierKey = (node: string, network: string): string => `${carrierPrefix(node)}${network}`;

/** Compared in lower case, whatever case it was given in. */
export const macKey = (macaddr: string): string => `mac/${macaddr.toLowerCase()}`;
/** Written by everything that begins to use the network, compared by its deletion: neither can miss the other. */
export const usersKey = (network: string): string => `network-users/${network}`;

/** Gone or failed, and no one's any more. */
export const isOver = (state: string): boolean => state === "deleted" || state === "error";

/** Some node has its links, or will have. */
export const isCarried = ({ state }: NetworkRecord): boolean => state === "initial" || state === "created";

// The networks that an instance needs on its node.
import type { Cloud } from "../cloud.ts";
import { convergeNetwork } from "../networks/converge.ts";
import { requireWorkingNetwork } from "../networks/find.ts";
import { interfacesOf } from "./find.ts";
import type { InstanceRecord } from "./record.ts";

/** Makes this node carry all of them. Rejects with "conflict" when one has failed: the guest would run without it. */
export async function carryNetworks(cloud: Cloud, instance: InstanceRecord): Promise<void> {
  const networks = networksOf(cloud, instance);
  await Promise.all([...networks].map((uuid) => convergeNetwork(cloud, uuid)));
  for (const uuid of networks) requireWorkingNetwork(cloud, uuid);
}

/** As `carryNetworks`, for one that is new: they may have been made ready for it since it was asked for. */
export async function joinNetworks(cloud: Cloud, instance: InstanceRecord): Promise<void> {
  const since = Math.max(0, ...interfacesOf(cloud, instance).map(({ revision }) => revision));
  const networks = networksOf(cloud, instance);
  await Promise.all([...networks].map((uuid) => convergeNetwork(cloud, uuid, { since })));
  for (const uuid of networks) requireWorkingNetwork(cloud, uuid);
}

const networksOf = (cloud: Cloud, instance: InstanceRecord): Set<string> =>
  new Set(interfacesOf(cloud, instance).map(({ value }) => value.network_uuid));

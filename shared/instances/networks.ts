// The networks that an instance needs on its node.
import type { Cloud } from "../cloud.ts";
import { convergeNetwork } from "../networks/converge.ts";
import { requireWorkingNetwork } from "../networks/find.ts";
import { interfacesOf } from "./find.ts";
import type { InstanceRecord } from "./record.ts";

/** Makes this node carry all of them. Rejects with "conflict" when one has failed: the guest would run without it. */
export async function carryNetworks(cloud: Cloud, instance: InstanceRecord): Promise<void> {
  const networks = new Set(interfacesOf(cloud, instance).map(({ value }) => value.network_uuid));
  await Promise.all([...networks].map((uuid) => convergeNetwork(cloud, uuid)));
  for (const uuid of networks) requireWorkingNetwork(cloud, uuid);
}

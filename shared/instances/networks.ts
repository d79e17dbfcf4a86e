// The networks that an instance needs on its node.
import type { Cloud } from "../cloud.ts";
import { convergeNetwork } from "../networks/converge.ts";
import { interfacesOf } from "./find.ts";
import type { InstanceRecord } from "./record.ts";

/** Makes this node carry all of them. */
export async function carryNetworks(cloud: Cloud, instance: InstanceRecord): Promise<void> {
  const networks = new Set(interfacesOf(cloud, instance).map(({ value }) => value.network_uuid));
  await Promise.all([...networks].map((uuid) => convergeNetwork(cloud, uuid)));
}

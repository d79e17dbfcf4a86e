// Makes a network: its record, its number, its way out and the job that deploys it, in one transaction.
import type { Caller, Cloud } from "../cloud.ts";
import { enqueueOnce } from "../jobs.ts";
import { namespaceFor, noteNamespaceUser } from "../namespaces/find.ts";
import { networkNode } from "../nodes/network-node.ts";
import { create, put } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { pickVxid } from "./allocate.ts";
import { pickFloating } from "./floating.ts";
import type { NetworkInput } from "./input.ts";
import {
  type AddressRecord,
  addressKey,
  carrierKey,
  FLOATING,
  type NetworkRecord,
  networkKey,
  vxidKey,
} from "./record.ts";

/** Answers the new record; what its state becomes is the job's. */
export async function createNetwork(
  cloud: Cloud,
  caller: Caller,
  input: NetworkInput,
): Promise<NetworkRecord> {
  const uuid = crypto.randomUUID();
  const made = await transact<NetworkRecord>(
    cloud.store,
    async () => {
      const namespace = await namespaceFor(cloud, caller, input.namespace);
      const vxid = pickVxid(cloud);
      const gateway = input.provide_nat === true ? pickFloating(cloud) : null;
      const record: NetworkRecord = {
        uuid,
        name: input.name ?? null,
        namespace: namespace.value.name,
        netblock: input.netblock,
        provide_dhcp: input.provide_dhcp ?? null,
        provide_nat: input.provide_nat ?? null,
        vxid,
        floating_gateway: gateway,
        state: "initial",
        state_updated: cloud.clock.now(),
        error_message: null,
        metadata: {},
      };
      const holds: AddressRecord = { use: "gateway", owner: uuid };
      const changes = [
        ...noteNamespaceUser(namespace),
        create(networkKey(uuid), record),
        create(vxidKey(vxid), { network: uuid }),
        put(carrierKey(networkNode(cloud), uuid), { vxid }),
        ...(gateway === null ? [] : [create(addressKey(FLOATING, gateway), holds)]),
        enqueueOnce(cloud, networkNode(cloud), "networks/deploy", { type: "network", uuid }),
      ];
      return [changes, record];
    },
    "vxid",
  );
  cloud.events.record("network", uuid, { operation: "api", phase: "create" });
  return made;
}

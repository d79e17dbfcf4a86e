// A node makes itself known in one transaction: its record for good, its presence and its address on its lease. Nobody gets a
// name or an address that a living other node has.
import { isIPv4 } from "node:net";
import type { Clock } from "../clock.ts";
import type { NodeIdentity } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { type Change, create, type Entry, type Lease, replace, type Store } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import {
  type Capacity,
  type NodeAddress,
  type NodeRecord,
  nodeAddressKey,
  nodeKey,
  type Presence,
  presenceKey,
} from "./record.ts";
import { requireNotRemoving } from "./remove.ts";

/** How long a node that was killed is still taken for living. */
export const LEASE_S = 8;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;

export interface Registrant {
  store: Store;
  clock: Clock;
  node: NodeIdentity;
  version: string;
  /** See `readInstallation`. */
  installation: string;
}

interface Found {
  record: Entry<NodeRecord> | undefined;
  presence: Entry<Presence> | undefined;
  address: Entry<NodeAddress> | undefined;
}

/** Both stand in keys of the store and in addresses. */
function requireSound({ name, ip }: NodeIdentity): void {
  if (!NAME.test(name))
    throw new CloudError(
      "malformed",
      `SHAKENFIST_NODE_NAME: '${name}' must be letters, digits, '.', '_' or '-'`,
    );
  if (!isIPv4(ip)) throw new CloudError("malformed", `SHAKENFIST_NODE_IP: '${ip}' is not an IPv4 address`);
}

/** Answers the lease. Rejects with "malformed"; with "conflict", saying what to do, when the name or the address is another living node's. */
export async function register(who: Registrant, latest: Capacity & { measured: number }): Promise<Lease> {
  requireSound(who.node);
  const lease = await who.store.lease(LEASE_S);
  try {
    await transact(who.store, async () => [await decide(who, latest, lease), undefined]);
    return lease;
  } catch (error) {
    await lease.release();
    throw error;
  }
}

async function decide(
  who: Registrant,
  latest: Capacity & { measured: number },
  lease: Lease,
): Promise<Change[]> {
  const { store, clock, node, version, installation } = who;
  const [record, presence, address] = await Promise.all([
    store.get<NodeRecord>(nodeKey(node.name)),
    store.get<Presence>(presenceKey(node.name)),
    store.get<NodeAddress>(nodeAddressKey(node.ip)),
  ]);
  requireFree(who, { record, presence, address });
  const cordoned = record?.value.cordoned === true ? { cordoned: true } : {};
  const registered: NodeRecord = { ...node, version, lastseen: clock.now(), ...cordoned };
  const holder: NodeAddress = { name: node.name, installation };
  return [
    write(record, nodeKey(node.name), registered),
    write(presence, presenceKey(node.name), { ...latest, installation } satisfies Presence, lease),
    write(address, nodeAddressKey(node.ip), holder, lease),
  ];
}

const write = (entry: Entry | undefined, key: string, value: unknown, lease?: Lease): Change =>
  entry === undefined ? create(key, value, lease) : replace(entry, value, lease);

function requireFree({ node, installation }: Registrant, { record, presence, address }: Found): void {
  const wait = `stop that one and wait ${LEASE_S} s`;
  if (presence !== undefined && presence.value.installation !== installation)
    throw new CloudError(
      "conflict",
      `node name ${node.name}: another node that is alive has it, at ${record?.value.ip}; set SHAKENFIST_NODE_NAME, or ${wait}`,
    );
  if (address !== undefined && address.value.installation !== installation)
    throw new CloudError(
      "conflict",
      `node address ${node.ip}: node ${address.value.name}, which is alive, has it; set SHAKENFIST_NODE_IP, or ${wait}`,
    );
  requireNotRemoving(record?.value);
}

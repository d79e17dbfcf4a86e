// Makes an instance: its record, interfaces, addresses, MACs, ports, its claim on a node and the job that starts it exist
// together or not at all.
import { type Caller, type Cloud, isSystem } from "../cloud.ts";
import { CloudError } from "../errors.ts";
import { withChecksum } from "../images/wish.ts";
import { enqueueOnce } from "../jobs.ts";
import { namespaceFor, noteNamespaceUser } from "../namespaces/find.ts";
import { pickAddress, randomMac, takeAddress } from "../networks/allocate.ts";
import { noteUser } from "../networks/delete.ts";
import { findUsableNetwork } from "../networks/find.ts";
import { parseNetblock } from "../networks/netblock.ts";
import {
  type AddressRecord,
  addressKey,
  carrierKey,
  type InterfaceRecord,
  interfaceKey,
  macKey,
  type NetworkRecord,
} from "../networks/record.ts";
import { requireKnownNode } from "../nodes/placement.ts";
import { type Change, create, type Entry, put } from "../ports/store/store.ts";
import { transact } from "../ports/store/transact.ts";
import { requireIdeRoom } from "./devices.ts";
import type { InstanceInput } from "./input.ts";
import { type Placed, placeInstance, recordPlacement } from "./place.ts";
import { pickPorts } from "./ports.ts";
import { type InstanceRecord, instanceKey, needOf, portKey } from "./record.ts";

const DEFAULT_VIDEO = { model: "cirrus", memory: 16384 };

/** Answers the new record; what its state becomes is the job's. */
export async function createInstance(
  cloud: Cloud,
  caller: Caller,
  input: InstanceInput,
): Promise<InstanceRecord> {
  const [record, placed] = await transact(cloud.store, () => decide(cloud, caller, input), "placement");
  const note = (operation: string, phase: string | null = null) =>
    cloud.events.record("instance", record.uuid, { operation, phase });
  note("uuid allocated");
  recordPlacement(cloud, record.uuid, placed);
  note("create", "enqueued");
  return record;
}

async function decide(
  cloud: Cloud,
  caller: Caller,
  input: InstanceInput,
): Promise<[Change[], [InstanceRecord, Placed]]> {
  const placedOn = input.placed_on ?? undefined;
  await requireKnownNode(cloud, placedOn);
  const networks = await Promise.all(
    (input.network ?? []).map(({ network_uuid }) => findUsableNetwork(cloud, caller, network_uuid)),
  );
  const namespace = await namespaceFor(cloud, caller, input.namespace);
  const uuid = chooseUuid(cloud, caller, input);
  const disk_spec = (input.disk ?? []).map(({ size, base, bus, type, checksum }) => ({
    size: size ?? null,
    base: base == null ? null : withChecksum(base, checksum),
    bus: bus ?? null,
    type: type ?? ("disk" as const),
  }));
  requireIdeRoom(cloud.config, disk_spec);
  const need = needOf({ cpus: input.cpus, memory_mib: input.memory, disk_spec });
  const interfaces = await makeInterfaces(cloud, uuid, input, networks);
  const uuids = networks.map(({ value }) => value.uuid);
  const placed = await placeInstance(cloud, { need, placedOn, disks: disk_spec, networks: uuids });
  const { node } = placed;
  const [console_port, vdi_port] = pickPorts(cloud, node);
  const record: InstanceRecord = {
    uuid,
    name: input.name,
    namespace: namespace.value.name,
    cpus: input.cpus,
    memory_mib: input.memory,
    disk_spec,
    ssh_key: input.ssh_key ?? null,
    user_data: input.user_data ?? null,
    video: {
      model: input.video?.model ?? DEFAULT_VIDEO.model,
      memory: input.video?.memory ?? DEFAULT_VIDEO.memory,
    },
    node,
    requested_placement: input.placed_on ?? null,
    placement_attempts: 1,
    console_port,
    vdi_port,
    block_devices: null,
    state: "initial",
    state_updated: cloud.clock.now(),
    power_state: "initial",
    power_state_previous: null,
    power_state_updated: null,
    error_message: null,
    interface_uuids: interfaces.map((each) => each.uuid),
    metadata: {},
    doomed: false,
    leftovers: false,
  };
  const distinct = [...new Map(networks.map((entry) => [entry.key, entry])).values()];
  const changes = [
    create(instanceKey(uuid), record),
    ...noteNamespaceUser(namespace),
    ...placed.changes,
    ...[console_port, vdi_port].map((port) => create(portKey(node, port), { instance: uuid })),
    ...interfaces.flatMap((each) => interfaceChanges({ ...each, node })),
    ...distinct.flatMap(noteUser),
    ...distinct.map(({ value }) => put(carrierKey(node, value.uuid), { vxid: value.vxid })),
    enqueueOnce(cloud, node, "instances/start", { type: "instance", uuid }),
  ];
  return [changes, [record, placed]];
}

function chooseUuid(cloud: Cloud, caller: Caller, { instance_uuid }: InstanceInput): string {
  if (instance_uuid === null || instance_uuid === undefined) return crypto.randomUUID();
  if (!isSystem(caller)) throw new CloudError("unauthenticated", "only system can specify an instance uuid");
  const uuid = instance_uuid.toLowerCase();
  if (cloud.store.mirror.get(instanceKey(uuid)) !== undefined) {
    throw new CloudError("conflict", `instance ${uuid}: exists already`);
  }
  return uuid;
}

async function makeInterfaces(
  cloud: Cloud,
  instance: string,
  input: InstanceInput,
  networks: readonly Entry<NetworkRecord>[],
): Promise<InterfaceRecord[]> {
  const taken = new Map<string, Set<string>>();
  const made: InterfaceRecord[] = [];
  for (const [order, { value: network }] of networks.entries()) {
    const asked = input.network?.[order];
    const block = parseNetblock(network.netblock);
    const mine = taken.get(network.uuid) ?? new Set();
    const ipv4 =
      asked?.address == null
        ? pickAddress(
            cloud,
            network.uuid,
            block,
            new Set([...mine, ...addressesAsked(input, networks, network.uuid)]),
          )
        : takeAddress(cloud, network.uuid, block, asked.address);
    if (mine.has(ipv4)) throw new CloudError("conflict", `address ${ipv4} in use`);
    taken.set(network.uuid, mine.add(ipv4));
    made.push({
      uuid: crypto.randomUUID(),
      network_uuid: network.uuid,
      instance_uuid: instance,
      node: "",
      host_name: input.name,
      macaddr: await chooseMac(cloud, asked?.macaddress, made),
      ipv4,
      order,
      model: asked?.model ?? "virtio",
      floating: null,
      state: "initial",
      state_updated: cloud.clock.now(),
    });
  }
  return made;
}

/** What the request itself asks for of a network: no other of its interfaces is given that. */
const addressesAsked = (
  { network }: InstanceInput,
  networks: readonly Entry<NetworkRecord>[],
  uuid: string,
): string[] =>
  (network ?? []).flatMap(({ address }, order) =>
    address == null || networks[order]?.value.uuid !== uuid ? [] : [address],
  );

async function chooseMac(
  cloud: Cloud,
  asked: string | null | undefined,
  made: readonly InterfaceRecord[],
): Promise<string> {
  const macaddr = asked ?? randomMac();
  const twice = made.some((other) => other.macaddr.toLowerCase() === macaddr.toLowerCase());
  if (twice || (asked != null && (await cloud.store.get(macKey(asked))) !== undefined)) {
    throw new CloudError("conflict", `macaddress ${macaddr} in use`);
  }
  return macaddr;
}

function interfaceChanges(record: InterfaceRecord): Change[] {
  const holds: AddressRecord = { use: "interface", owner: record.uuid };
  return [
    create(interfaceKey(record.uuid), record),
    create(addressKey(record.network_uuid, record.ipv4), holds),
    create(macKey(record.macaddr), { interface: record.uuid }),
  ];
}

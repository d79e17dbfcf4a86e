// Taking an instance away: what it has on its node, and what it holds in the store.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../cloud.ts";
import { enqueue, type JobContext } from "../jobs.ts";
import { addressKey, FLOATING, type InterfaceRecord, macKey } from "../networks/record.ts";
import { networkNode } from "../nodes/network-node.ts";
import { changeClaim } from "../nodes/placement.ts";
import { type Change, discard, type Entry, replace } from "../ports/store/store.ts";
import { interfacesOf } from "./find.ts";
import { CONSOLE_LOG, instanceDirectory } from "./paths.ts";
import { powerChange } from "./power.ts";
import { type InstanceRecord, needOf, portKey } from "./record.ts";
import { inState } from "./states.ts";

type Context = JobContext<InstanceRecord>;

export async function deleteDomain({ cloud, subject }: Context): Promise<void> {
  await cloud.hypervisor.powerOff(subject.value.uuid);
  await cloud.hypervisor.undefine(subject.value.uuid);
}

/** The console's log stays until the record goes: it may tell why. */
export async function deleteDisks({ cloud, subject }: Context): Promise<void> {
  const directory = instanceDirectory(cloud.config, subject.value.uuid);
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const doomed = names.filter((name) => !name.startsWith(CONSOLE_LOG));
  await Promise.all(doomed.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

/** An instance that failed and was taken back holds nothing any more. */
const holdsAllocations = ({ state, leftovers }: InstanceRecord): boolean =>
  state !== "deleted" && (state !== "error" || leftovers);

/** Interfaces, addresses, MACs, ports and the claim go in the same transaction in which the instance does. */
export function gone(context: Context): Change[] {
  const { cloud, subject } = context;
  const power = powerChange(cloud, subject.value, "off");
  return [
    inState(cloud, subject, "deleted", { ...power, leftovers: false, doomed: false }),
    ...release(context),
  ];
}

export function failed(context: Context, reason: string, undone: boolean): Change[] {
  const { cloud, subject } = context;
  cloud.events.record("instance", subject.value.uuid, { operation: "error message", phase: reason });
  const power = undone ? powerChange(cloud, subject.value, "off") : {};
  const change = inState(cloud, subject, "error", {
    ...power,
    error_message: reason,
    // One that failed before and was taken back has nothing that could be left.
    leftovers: !undone && holdsAllocations(subject.value),
    doomed: false,
  });
  return undone ? [change, ...release(context)] : [change];
}

function release({ cloud, subject }: Context): Change[] {
  const instance = subject.value;
  if (!holdsAllocations(instance)) return [];
  const interfaces = interfacesOf(cloud, instance).filter(({ value }) => value.state !== "deleted");
  const networks = new Set(interfaces.map(({ value }) => value.network_uuid));
  return [
    ...interfaces.flatMap((each) => releaseInterface(cloud, each)),
    ...[instance.console_port, instance.vdi_port].map((port) => discard(portKey(instance.node, port))),
    changeClaim(cloud, instance.node, needOf(instance), -1),
    ...[...networks].flatMap((uuid) => refreshNetwork(cloud, instance.node, uuid)),
  ];
}

function releaseInterface(cloud: Cloud, entry: Entry<InterfaceRecord>): Change[] {
  const { network_uuid, ipv4, macaddr, floating } = entry.value;
  return [
    replace(entry, { ...entry.value, floating: null, state: "deleted", state_updated: cloud.clock.now() }),
    discard(addressKey(network_uuid, ipv4)),
    discard(macKey(macaddr)),
    ...(floating === null ? [] : [discard(addressKey(FLOATING, floating))]),
  ];
}

/** The node may not need the network any more, and the network node serves one address less. */
export function refreshNetwork(cloud: Cloud, node: string, uuid: string): Change[] {
  const nodes = new Set([node, networkNode(cloud)]);
  return [...nodes].map((each) => enqueue(cloud, each, "networks/refresh", { type: "network", uuid }));
}

// Taking an instance away: what it has on its node, and what it holds in the store.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../cloud.ts";
import type { JobContext } from "../jobs.ts";
import { addressKey, FLOATING, type InterfaceRecord, macKey } from "../networks/record.ts";
import { changeClaim } from "../nodes/placement.ts";
import { type Change, discard, type Entry, replace } from "../ports/store/store.ts";
import { interfacesOf } from "./find.ts";
import { CONSOLE_LOG, instanceDirectory } from "./paths.ts";
import { powerChange } from "./power.ts";
import { type InstanceRecord, needOf, portKey } from "./record.ts";
import { inError, inState } from "./states.ts";

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
export const holdsAllocations = ({ state, leftovers }: InstanceRecord): boolean =>
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
  const power = undone ? powerChange(cloud, subject.value, "off") : {};
  const change = inError(cloud, subject, reason, {
    ...power,
    // One that failed before and was taken back has nothing that could be left.
    leftovers: !undone && holdsAllocations(subject.value),
    doomed: false,
  });
  return undone ? [change, ...release(context)] : [change];
}

/**
 * What an instance is whose node was removed: nobody can take it back, so it gives back all that it held. One whose deletion
 * was asked for is deleted by that.
 */
export function lost(cloud: Cloud, subject: Entry<InstanceRecord>, reason: string): Change[] {
  const { state, doomed, error_message } = subject.value;
  if (state === "deleted") return [];
  const over = { ...powerChange(cloud, subject.value, "off"), leftovers: false, doomed: false };
  const given = release({ cloud, subject });
  if (doomed) return [inState(cloud, subject, "deleted", over), ...given];
  if (state === "error" && given.length === 0) return [];
  const message = state === "error" && error_message !== null ? `${error_message}; ${reason}` : reason;
  return [inError(cloud, subject, reason, { ...over, error_message: message }), ...given];
}

function release({ cloud, subject }: Pick<Context, "cloud" | "subject">): Change[] {
  const instance = subject.value;
  if (!holdsAllocations(instance)) return [];
  const interfaces = interfacesOf(cloud, instance).filter(({ value }) => value.state !== "deleted");
  return [
    ...interfaces.flatMap((each) => releaseInterface(cloud, each)),
    ...[instance.console_port, instance.vdi_port].map((port) => discard(portKey(instance.node, port))),
    changeClaim(cloud, instance.node, needOf(instance), -1),
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

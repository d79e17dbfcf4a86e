// Instances as a caller may see them.
import type { Caller, Cloud } from "../cloud.ts";
import { findByRef, findKnown, owns } from "../find.ts";
import { type InterfaceRecord, interfaceKey, isOver } from "../networks/record.ts";
import type { Entry } from "../ports/store/store.ts";
import { INSTANCES, type InstanceRecord } from "./record.ts";

interface Path {
  cloud: Cloud;
  caller: Caller;
  params: Readonly<Record<string, string>>;
}

/** The instance of the path, deleted and failed ones included. */
export function theInstance({ cloud, caller, params }: Path): FoundInstance | Promise<FoundInstance> {
  const { instance_ref: ref = "" } = params;
  return findKnown(cloud, caller, INSTANCES, ref) ?? findByRef(cloud, caller, "instance", INSTANCES, ref);
}

type FoundInstance = Entry<InstanceRecord>;

export const instanceLockName = (uuid: string): string => `instance/${uuid}`;

export const instanceLock = ({ value }: Entry<InstanceRecord>): string => instanceLockName(value.uuid);

export const ownerNode = ({ value }: Entry<InstanceRecord>): string => value.node;

/** Own ones, all of them for `system`; without `all` only the living. */
export function listInstances(cloud: Cloud, caller: Caller, all: boolean): readonly InstanceRecord[] {
  const entries = cloud.store.mirror.list<InstanceRecord>(INSTANCES);
  return cloud.memo.of(entries, `${caller.namespace} ${all}`, () =>
    Object.freeze(
      entries.map(({ value }) => value).filter((each) => owns(caller, each) && (all || !isOver(each.state))),
    ),
  );
}

/** In the order of the request; deleted ones too. */
export function interfacesOf(cloud: Cloud, instance: InstanceRecord): Entry<InterfaceRecord>[] {
  return instance.interface_uuids
    .map((uuid) => cloud.store.mirror.get<InterfaceRecord>(interfaceKey(uuid)))
    .filter((entry) => entry !== undefined);
}

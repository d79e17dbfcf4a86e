// The quick acts on a created instance, done on its node while the caller waits. Asking for the state it has is success.
import type { Cloud } from "../cloud.ts";
import { CloudError, isKind, messageOf } from "../errors.ts";
import { startDomain } from "./domain.ts";
import { carryNetworks } from "./networks.ts";
import { observePower } from "./power.ts";
import type { InstanceRecord } from "./record.ts";
import { requireRestored } from "./restoring.ts";
import { requireState } from "./states.ts";

/** Its networks and its definition are made again first: both may be gone since it was off. */
export const powerOn = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "poweron", "poweron", async () => {
    await carryNetworks(cloud, instance);
    await startDomain(cloud, instance);
  });

export const powerOff = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "poweroff", "poweroff", () => cloud.hypervisor.powerOff(instance.uuid));

export const pause = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "pause", "pause", () => cloud.hypervisor.pause(instance.uuid));

export const unpause = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "unpause", "unpause", () => cloud.hypervisor.unpause(instance.uuid));

export const rebootSoft = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "soft reboot", "reboot", () => cloud.hypervisor.rebootSoft(instance.uuid));

export const rebootHard = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "hard reboot", "reboot", () => cloud.hypervisor.rebootHard(instance.uuid));

/** Rejects with "conflict" and the hypervisor's words when it refuses. */
async function act(
  cloud: Cloud,
  instance: InstanceRecord,
  asked: string,
  done: string,
  work: () => Promise<void>,
): Promise<void> {
  const { uuid } = instance;
  requireState(instance, "created");
  requireRestored(cloud, instance);
  cloud.events.record("instance", uuid, { operation: "api", phase: asked });
  try {
    await work();
  } catch (error) {
    if (!isKind(error, "internal")) throw error;
    throw new CloudError("conflict", `instance ${uuid}: cannot ${asked}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const domain = await cloud.hypervisor.getDomain(uuid);
  await observePower(cloud, uuid, domain?.power ?? "off");
  cloud.events.record("instance", uuid, { operation: done, phase: "complete" });
}

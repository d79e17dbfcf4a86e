// The quick acts on a created instance, done on its node while the caller waits. Asking for the state it has is success.
// Each that is accepted ends in one power state, whatever was before: a pause in paused, a power-off in off, the rest in on.
import type { Cloud } from "../cloud.ts";
import { CloudError, isKind, messageOf } from "../errors.ts";
import { startDomain } from "./domain.ts";
import { carryNetworks } from "./networks.ts";
import { followPower } from "./power.ts";
import { forgetReboot, noteRebootAsked } from "./reboot.ts";
import type { InstanceRecord } from "./record.ts";
import { requireRestored } from "./restoring.ts";
import { requireState } from "./states.ts";

/** Its networks and its definition are made again first: both may be gone since it was off. */
export const powerOn = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "poweron", "poweron", async () => {
    await carryNetworks(cloud, instance);
    await startDomain(cloud, instance);
    await cloud.hypervisor.unpause(instance.uuid);
  });

export const powerOff = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "poweroff", "poweroff", async () => {
    await forgetReboot(cloud, instance.uuid);
    await cloud.hypervisor.powerOff(instance.uuid);
  });

export const pause = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "pause", "pause", () => cloud.hypervisor.pause(instance.uuid));

export const unpause = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "unpause", "unpause", () => cloud.hypervisor.unpause(instance.uuid));

/** Written down before it is done: the guest may be quick. */
export const rebootSoft = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "soft reboot", "reboot", async () => {
    await requireMoving(cloud, instance);
    await noteRebootAsked(cloud, instance.uuid);
    await cloud.hypervisor.rebootSoft(instance.uuid).catch(async (error: unknown) => {
      await forgetReboot(cloud, instance.uuid);
      throw error;
    });
  });

export const rebootHard = (cloud: Cloud, instance: InstanceRecord): Promise<void> =>
  act(cloud, instance, "hard reboot", "reboot", async () => {
    await forgetReboot(cloud, instance.uuid);
    await cloud.hypervisor.rebootHard(instance.uuid);
    await cloud.hypervisor.unpause(instance.uuid);
  });

/** A guest that stands still cannot do what it is asked to. */
async function requireMoving({ hypervisor }: Cloud, { uuid }: InstanceRecord): Promise<void> {
  if ((await hypervisor.getDomain(uuid))?.power === "paused")
    throw new CloudError(
      "conflict",
      `instance ${uuid}: cannot soft reboot while paused: unpause it first, or reboot it hard`,
    );
}

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
  await followPower(cloud, uuid);
  cloud.events.record("instance", uuid, { operation: done, phase: "complete" });
}

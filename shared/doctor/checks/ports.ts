// Console and VNC ports that are taken by nothing.
import { type InstanceRecord, instanceKey, portKey } from "../../instances/record.ts";
import { holdsAllocations } from "../../instances/release.ts";
import { check } from "../check.ts";
import { orphans } from "../keys.ts";

export const ports = check({
  name: "ports",
  summary: "Every port that is taken is an instance's",
  scope: "cloud",
  reads_store: true,
  routine: true,

  find: (cloud) =>
    orphans<{ instance: string }>(cloud, "port/", ({ key, value: { instance: owner } }) => {
      const instance = cloud.store.mirror.get<InstanceRecord>(instanceKey(owner))?.value;
      if (instance === undefined) return `there is no instance ${owner}`;
      if (!holdsAllocations(instance)) return `instance ${owner} is over`;
      const own = [instance.console_port, instance.vdi_port].map((port) => portKey(instance.node, port));
      return own.includes(key) ? undefined : `instance ${owner} has others`;
    }),
});

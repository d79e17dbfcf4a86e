// MAC addresses that are taken by nothing.
import { type InterfaceRecord, interfaceKey, macKey } from "../../networks/record.ts";
import { check } from "../check.ts";
import { orphans } from "../keys.ts";

export const macs = check({
  name: "macs",
  summary: "Every MAC address that is taken is an interface's",
  scope: "cloud",
  reads_store: true,
  routine: true,

  find: (cloud) =>
    orphans<{ interface: string }>(cloud, "mac/", ({ key, value: { interface: owner } }) => {
      const nic = cloud.store.mirror.get<InterfaceRecord>(interfaceKey(owner))?.value;
      const holds = nic !== undefined && nic.state !== "deleted" && macKey(nic.macaddr) === key;
      return holds ? undefined : `interface ${owner} does not have it`;
    }),
});

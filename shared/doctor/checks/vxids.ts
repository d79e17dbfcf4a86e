// Network numbers that are taken by nothing.
import { type NetworkRecord, networkKey, vxidKey } from "../../networks/record.ts";
import { check } from "../check.ts";
import { orphans } from "../keys.ts";

export const vxids = check({
  name: "vxids",
  summary: "Every network number that is taken is a network's",
  scope: "cloud",
  reads_store: true,
  routine: true,

  find: (cloud) =>
    orphans<{ network: string }>(cloud, "vxid/", ({ key, value: { network: owner } }) => {
      const network = cloud.store.mirror.get<NetworkRecord>(networkKey(owner))?.value;
      const holds = network !== undefined && network.state !== "deleted" && vxidKey(network.vxid) === key;
      return holds ? undefined : `network ${owner} does not have it`;
    }),
});

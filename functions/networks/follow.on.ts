// Makes this node carry a network as it should after something joined or left it: mesh, DHCP, floating addresses.
import { on } from "#runtime/define.ts";
import { followNetwork } from "#shared/networks/converge.ts";

export default on({
  summary: "Follow what changes on a network",
  event: "interface",
  run: ({ cloud, event }) => followNetwork(cloud, event.network_uuid),
});

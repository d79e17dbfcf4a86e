// Nodes that are away, and a network node that there is not: without it no network is made or changed.
import { nameOfNetworkNode, networkNodeIp } from "../../nodes/network-node.ts";
import { NODES, type NodeRecord, presenceKey } from "../../nodes/record.ts";
import { check, type Found } from "../check.ts";

export const nodes = check({
  name: "nodes",
  summary: "Every node is there, the network node among them",
  scope: "cloud",
  reads_store: true,

  find(cloud) {
    const { mirror } = cloud.store;
    const known = mirror.list<NodeRecord>(NODES).map(({ value }) => value);
    const away = known.filter(({ name }) => mirror.get(presenceKey(name)) === undefined);
    const found = away.map(({ name, lastseen }): Found => {
      const problem = `is away since ${new Date(lastseen * 1000).toISOString()}`;
      const mend = `start sf-node on it, or sf-client node remove ${name}`;
      return { subject: `node ${name}`, problem, mend };
    });
    if (nameOfNetworkNode(cloud) !== undefined) return found;
    const problem = "no node has this address: there is no network node";
    const mend = "set SHAKENFIST_NETWORK_NODE_IP of every node to the address of one";
    return [...found, { subject: networkNodeIp(cloud), problem, mend }];
  },
});

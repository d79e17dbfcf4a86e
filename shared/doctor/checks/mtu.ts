// What guests may send at a time: less on one node than on another loses their large packets without a word.
import type { Cloud } from "../../cloud.ts";
import { type Metrics, metricsKey, NODES, type NodeRecord } from "../../nodes/record.ts";
import { check, type Found } from "../check.ts";

const VXLAN_OVERHEAD = 50;
/** What every guest expects to be able to send by IPv4. */
const USUAL = 1450;

export const mtu = check({
  name: "mtu",
  summary: "Guests may send packets of one size on all nodes",
  scope: "node",
  reads_store: true,

  async find(cloud) {
    const nic = cloud.config.NODE_EGRESS_NIC;
    const now = (await cloud.network.underlayMtu()) - VXLAN_OVERHEAD;
    const found: Found[] = [];
    const subject = `MTU of ${nic}`;
    if (now !== cloud.mtu)
      found.push({
        subject,
        problem: `guests may send ${cloud.mtu} bytes, as when sf-node started, and ${now} fit now`,
        mend: `systemctl restart sf-node, or ip link set ${nic} mtu ${cloud.mtu + VXLAN_OVERHEAD}`,
      });
    if (now < USUAL)
      found.push({
        subject: `${subject} and guests`,
        problem: `only ${now} bytes are left for guests, who expect ${USUAL}`,
        mend: `ip link set ${nic} mtu ${USUAL + VXLAN_OVERHEAD}, if the switches let that through`,
      });
    return [...found, ...others(cloud)];
  },
});

function others(cloud: Cloud): Found[] {
  return cloud.store.mirror.list<NodeRecord>(NODES).flatMap(({ value: { name } }): Found[] => {
    const theirs = cloud.store.mirror.get<Metrics>(metricsKey(name))?.value.network_guest_mtu;
    if (theirs === undefined || theirs === cloud.mtu || name === cloud.node.name) return [];
    const problem = `its guests may send ${theirs} bytes, those of ${cloud.node.name} ${cloud.mtu}`;
    return [
      {
        subject: `MTU of node ${name}`,
        problem,
        mend: "give SHAKENFIST_NODE_EGRESS_NIC one MTU on all nodes",
      },
    ];
  });
}

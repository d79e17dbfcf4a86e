// Clocks of nodes that differ. A token or a request from node to node that seems to come from the future is refused, and
// histories tell things in the wrong order.
import { type Metrics, metricsKey, NODES, type NodeRecord } from "../../nodes/record.ts";
import { check, type Found } from "../check.ts";

const TOLERATED_S = 2;
/** From the making of the gauges until they are seen. */
const WAY_S = 10;

export const clocks = check({
  name: "clocks",
  summary: "The clocks of all nodes agree with this one's",
  scope: "node",
  reads_store: true,

  find(cloud) {
    const now = cloud.clock.now();
    const oldest = now - cloud.config.SCHEDULER_CACHE_TIMEOUT - WAY_S;
    return cloud.store.mirror.list<NodeRecord>(NODES).flatMap(({ value: { name } }): Found[] => {
      const told = cloud.store.mirror.get<Metrics>(metricsKey(name))?.value.updated_at;
      if (told === undefined || name === cloud.node.name) return [];
      if (told <= now + TOLERATED_S && told >= oldest) return [];
      const by = Math.round(Math.abs(told - now));
      const problem = `its clock is ${by} s ${told > now ? "ahead of" : "behind"} that of ${cloud.node.name}`;
      return [{ subject: `node ${name}`, problem, mend: "timedatectl set-ntp true, on both" }];
    });
  },
});

// Says what this node has to give, for placement. Written to the store only when it has changed.
import { schedule } from "#runtime/define.ts";
import { readCapacity } from "#shared/nodes/capacity.ts";

export default schedule({
  summary: "Publish the node's capacity",
  every_s: (cloud) => cloud.config.SCHEDULER_CACHE_TIMEOUT,
  deadline_ms: 5000,

  async run({ cloud }) {
    await cloud.presence.update(await readCapacity(cloud.config.STORAGE_PATH));
  },
});

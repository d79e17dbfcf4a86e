// Removes versions of images that no disk is layered on and no record names.
import { schedule } from "#runtime/define.ts";
import { removeUnused } from "#shared/images/clean.ts";
import { basesInUse } from "#shared/instances/find.ts";

export default schedule({
  summary: "Remove unused image versions",
  every_s: () => 3600,
  deadline_ms: 60_000,

  async run({ cloud }) {
    const removed = await removeUnused(cloud, basesInUse(cloud));
    if (removed.length > 0) cloud.log.info({ removed }, "unused image versions removed");
  },
});

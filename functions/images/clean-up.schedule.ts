// Removes old versions of images, and those that were not used for longest while the cache is larger than it may be.
import { schedule } from "#runtime/define.ts";
import { cleanImages } from "#shared/images/clean-up.ts";
import { neededBases } from "#shared/instances/bases.ts";

export default schedule({
  summary: "Remove unused images",
  every_s: () => 600,
  deadline_ms: 60_000,
  run: ({ cloud }) => cleanImages(cloud, neededBases(cloud)),
});

// An image cache that is larger than it may be: what disks stand on is not removed, whatever its size.
import { cacheSize } from "../../images/clean.ts";
import { cacheDirectory } from "../../images/tools.ts";
import { check } from "../check.ts";

const GIB = 2 ** 30;

export const imageCache = check({
  name: "image-cache",
  summary: "The image cache is within its size",
  scope: "node",
  reads_store: true,

  async find(cloud) {
    const { bytes, budget_bytes } = await cacheSize(cloud);
    if (budget_bytes === 0 || bytes <= budget_bytes) return [];
    const has = `has ${(bytes / GIB).toFixed(1)} GiB`;
    const problem = `${has}, and ${budget_bytes / GIB} are allowed: the hourly cleanup leaves what is in use`;
    const mend = "a larger SHAKENFIST_IMAGE_CACHE_GIB, or sf-client instance delete what is not needed";
    return [{ subject: cacheDirectory(cloud.config), problem, mend }];
  },
});

// Half-done work on images that no process is at any more.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "../../images/tools.ts";
import { listDeadWork } from "../../images/work-directory.ts";
import { check } from "../check.ts";

export const imageWork = check({
  name: "image-work",
  summary: "No unfinished work on images is left behind",
  scope: "node",
  reads_store: false,

  async find(cloud) {
    return (await listDeadWork(cloud)).map((name) => {
      const subject = join(cacheDirectory(cloud.config), name);
      const fix = () => rm(subject, { recursive: true, force: true });
      return { subject, problem: "the process that was at it is gone", mend: `rm -r ${subject}`, fix };
    });
  },
});

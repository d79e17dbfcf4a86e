// Fetches an image into the cache of this node.
import { job } from "#runtime/define.ts";
import { ensureImage } from "#shared/images/cache.ts";
import type { JobContext, JobSubject } from "#shared/jobs.ts";

async function fetchImage({ cloud, job: { subject }, signal }: JobContext<JobSubject>): Promise<void> {
  const record = (event: Parameters<typeof cloud.events.record>[2]) =>
    cloud.events.record("image", subject.uuid, event);
  await ensureImage(cloud, subject.uuid, { record, signal, anew: true });
}

export default job<JobSubject>({
  summary: "Fetch an image",
  deadline_ms: 2 * 3600 * 1000,
  attempts: 1,
  subject: (_cloud, { subject }) => ({ key: "", revision: 0, value: subject }),
  steps: [fetchImage],
  waits: [fetchImage],

  finish({ cloud, subject }) {
    cloud.events.record("image", subject.value.uuid, { operation: "fetch", phase: null, message: "success" });
    return [];
  },
  undo: [],
  fail({ cloud, subject }, reason) {
    cloud.events.record("image", subject.value.uuid, {
      operation: "fetch",
      phase: null,
      message: `Error: ${reason}`,
    });
    return [];
  },
});

// The one place where a test makes steps die, repeat or fail: FAILPOINT=<job>:<step>:<how>. Empty in production.
import { CloudError } from "#shared/errors.ts";

export interface Failpoint {
  around(job: string, step: string, work: () => Promise<void>): Promise<void>;
}

const off: Failpoint = { around: (_job, _step, work) => work() };

const ways: Record<string, (work: () => Promise<void>, times: number) => Promise<void>> = {
  "kill-before": async () => die(),
  "kill-after": async (work) => {
    await work();
    die();
  },
  twice: async (work) => {
    await work();
    await work();
  },
  "fail-once": async (work, times) => {
    await work();
    if (times === 1) fail();
  },
  "fail-always": async (work) => {
    await work();
    fail();
  },
};

export function parseFailpoint(text: string): Failpoint {
  if (text === "") return off;
  const [job, step, how = ""] = text.split(":");
  const way = ways[how];
  if (way === undefined)
    throw new CloudError(
      "malformed",
      `SHAKENFIST_FAILPOINT: '${how}' is none of ${Object.keys(ways).join(", ")}`,
    );
  let times = 0;
  return {
    around(atJob, atStep, work) {
      if (atJob !== job || atStep !== step) return work();
      times += 1;
      return way(work, times);
    },
  };
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

function fail(): never {
  throw new CloudError("internal", "failpoint: told to fail");
}

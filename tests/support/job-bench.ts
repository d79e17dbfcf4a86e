// A job kind of steps that a test makes do what it likes, on a fake cloud, and a diary of what was done.
import { strict as assert } from "node:assert";
import type { TestContext } from "node:test";
import { enqueue, type JobContext, type JobRecord, jobPrefix } from "#shared/jobs.ts";
import { put } from "#shared/ports/store/store.ts";
import type { JobFunction } from "../../runtime/define.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud } from "./fake-cloud.ts";

type Subject = { wanted: boolean };
type Work = (context: JobContext<Subject>) => Promise<void> | void;

/** A job kind of named steps, and a diary of what was done for whom. */
export class JobBench {
  readonly diary: string[] = [];
  readonly work: Record<string, Work> = {};
  #cloud: FakeCloud | undefined;

  get f(): FakeCloud {
    assert.ok(this.#cloud);
    return this.#cloud;
  }

  kind(
    name: string,
    more: Partial<JobFunction> = {},
  ): { name: string; file: string; definition: JobFunction } {
    const step = (stepName: string) => {
      const steps = {
        [stepName]: async (context: JobContext<unknown>) => {
          this.diary.push(`${context.job.subject.uuid} ${stepName}`);
          await this.work[stepName]?.(context as JobContext<Subject>);
        },
      };
      return steps[stepName] as JobFunction["steps"][number];
    };
    const definition: JobFunction = {
      summary: "A test",
      deadline_ms: 60_000,
      attempts: 3,
      subject: (cloud, { subject }) => cloud.store.mirror.get(`image/subject/${subject.uuid}`),
      steps: ["first", "second"].map(step),
      finish: ({ job }) => {
        this.diary.push(`${job.subject.uuid} finished`);
        return [];
      },
      undo: [step("undoIt")],
      fail: ({ job }, reason, undone) => {
        this.diary.push(`${job.subject.uuid} failed: ${reason}, ${undone ? "undone" : "not undone"}`);
        return [];
      },
      ...more,
    };
    return { name, file: "", definition };
  }

  async open(options: FakeCloudOptions = {}, more: Partial<JobFunction> = {}): Promise<FakeCloud> {
    const jobs = [
      this.kind("test/work", more),
      this.kind("test/end", { ...more, preempts: true, steps: [] }),
    ];
    this.#cloud = await fakeCloud({ jobs, ...options });
    return this.#cloud;
  }

  async restart(config: Record<string, string> = {}, works?: boolean): Promise<void> {
    this.#cloud = await this.f.restart(config, works);
  }

  async enqueue(uuid: string, kind = "test/work"): Promise<void> {
    const { cloud } = this.f;
    await cloud.store.commit([
      put(`image/subject/${uuid}`, { wanted: true }),
      enqueue(cloud, cloud.node.name, kind, { type: "image", uuid }),
    ]);
  }

  job(uuid: string, kind = "test.work"): JobRecord {
    return this.f.value<JobRecord>(`${jobPrefix("sf-1")}${kind}.${uuid}`);
  }

  async done(uuid: string): Promise<string[]> {
    await this.enqueue(uuid);
    await this.f.idle();
    return this.diary;
  }
}

export async function openJobBench(
  t: TestContext,
  options: FakeCloudOptions = {},
  more: Partial<JobFunction> = {},
): Promise<JobBench> {
  const bench = new JobBench();
  await bench.open(options, more);
  t.after(() => bench.f.close());
  return bench;
}

import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { CloudError } from "#shared/errors.ts";
import { listEvents } from "#shared/events/list.ts";
import { enqueue, jobPrefix } from "#shared/jobs.ts";
import { discard, put } from "#shared/ports/store/store.ts";
import { eventually } from "../support/await.ts";
import { JobBench, openJobBench } from "../support/job-bench.ts";

const FINISHED = ["a first", "a second", "a finished"];
const fail = (words: string) => () => Promise.reject(new CloudError("internal", words));

/** Never goes well. */
const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason));
  });

/** Something that is awaited elsewhere. */
function gate() {
  let opened = () => {};
  const passed = new Promise<void>((resolve) => {
    opened = resolve;
  });
  return { passed, opened: () => opened() };
}

describe("worker", () => {
  it("a job: does its steps in order and finishes", async (t) => {
    const bench = await openJobBench(t);
    assert.deepEqual(await bench.done("a"), FINISHED);
    // That the tasks are complete is noted after the job's key is gone.
    const events = (await listEvents(bench.f.cloud, "image", "a")).slice(0, 5);
    assert.deepEqual(
      events.map(({ operation, phase }) => `${operation} ${phase}`),
      ["test work dequeued", "first start", "first finish", "second start", "second finish"],
    );
  });

  it("jobs of one subject: run one at a time, oldest first", async (t) => {
    const bench = new JobBench();
    const kinds = ["test/one", "test/two", "test/three"].map((name) => bench.kind(name));
    const f = await bench.open({ jobs: kinds });
    t.after(() => f.close());
    for (const { name } of kinds) await bench.enqueue("a", name);
    await f.idle();
    assert.deepEqual(bench.diary, [...FINISHED, ...FINISHED, ...FINISHED]);
  });

  it("jobs of many subjects: all are done, a bounded number at once (fault 73)", async (t) => {
    const bench = await openJobBench(t);
    const busy = { now: 0, most: 0 };
    bench.work.first = async () => {
      busy.most = Math.max(busy.most, ++busy.now);
      await new Promise((resolve) => setImmediate(resolve));
      busy.now--;
    };
    await Promise.all(Array.from({ length: 60 }, (_, index) => bench.enqueue(`subject-${index}`)));
    await bench.f.idle();
    assert.equal(bench.diary.filter((line) => line.endsWith("finished")).length, 60);
    assert.ok(busy.most > 1 && busy.most <= 16, `${busy.most} at once`);
  });

  it("as many jobs as may run, all slow: keep no preempting one of another subject waiting", async (t) => {
    const bench = await openJobBench(t);
    const { mirror } = bench.f.cloud.store;
    bench.work.first = ({ signal }) => aborted(signal);
    for (let index = 0; index < 20; index++) await bench.enqueue(`slow-${index}`);
    await bench.enqueue("other", "test/end");
    const isDone = () => bench.diary.includes("other finished") || undefined;
    assert.ok(await mirror.until(jobPrefix("sf-1"), isDone, 5000));
    assert.equal(bench.diary.length, 17);
  });

  it("a preempting job: aborts the one that runs, which ends when it is not wanted any more", async (t) => {
    const bench = await openJobBench(t);
    const entered = gate();
    bench.work.first = async ({ signal }) => {
      entered.opened();
      await aborted(signal);
    };
    await bench.enqueue("a");
    await entered.passed;
    const { cloud } = bench.f;
    await cloud.store.commit([enqueue(cloud, "sf-1", "test/end", { type: "image", uuid: "a" })]);
    bench.work.first = () => {};
    await bench.f.idle();
    assert.deepEqual(bench.diary, ["a first", "a finished", "a first", "a second", "a finished"]);
  });

  it("a job that is asked for again while it runs: is done again from its start", async (t) => {
    const bench = await openJobBench(t);
    const entered = gate();
    const again = gate();
    bench.work.second = async () => {
      entered.opened();
      await again.passed;
    };
    await bench.enqueue("a");
    await entered.passed;
    await bench.enqueue("a");
    again.opened();
    await bench.f.idle();
    assert.deepEqual(bench.diary, ["a first", "a second", "a first", "a second", "a finished"]);
  });

  it("a job whose subject is not wanted any more: is dropped, nothing is undone", async (t) => {
    const bench = await openJobBench(t);
    bench.work.first = async ({ cloud }) => void (await cloud.store.commit([discard("image/subject/a")]));
    assert.deepEqual(await bench.done("a"), ["a first"]);
  });

  it("a job of a kind that no file serves: is dropped", async (t) => {
    const bench = await openJobBench(t);
    await bench.enqueue("a", "test/unknown");
    await bench.f.idle();
    assert.deepEqual(bench.diary, []);
  });

  it("a step that fails: is tried again, as often as the job says", async (t) => {
    const bench = await openJobBench(t);
    let times = 0;
    bench.work.first = () => (++times < 3 ? fail("not yet")() : undefined);
    assert.deepEqual(await bench.done("a"), ["a first", "a first", ...FINISHED]);
  });

  it("a step that fails for good: the job is undone and told of", async (t) => {
    const bench = await openJobBench(t);
    bench.work.second = fail("libvirt: it will not");
    assert.deepEqual(await bench.done("a"), [
      ...["a first", "a second", "a second", "a second", "a undoIt"],
      "a failed: libvirt: it will not, undone",
    ]);
  });

  it("a step that fails because of the request: is not tried again", async (t) => {
    const bench = await openJobBench(t);
    bench.work.first = () => Promise.reject(new CloudError("malformed", "it cannot be"));
    assert.deepEqual(await bench.done("a"), ["a first", "a undoIt", "a failed: it cannot be, undone"]);
  });

  it("a step that breaks unexpectedly: ends the job with a reason", async (t) => {
    const bench = await openJobBench(t);
    bench.work.first = () => {
      throw new TypeError("x is not a function");
    };
    assert.equal((await bench.done("a")).at(-1), "a failed: unexpected: x is not a function, undone");
  });

  it("a finish that breaks: is a failure of the job", async (t) => {
    const bench = await openJobBench(
      t,
      {},
      {
        finish: () => {
          throw new CloudError("internal", "no end");
        },
      },
    );
    assert.equal((await bench.done("a")).at(-1), "a failed: no end, undone");
  });

  it("undo that fails: is told of, with both reasons", async (t) => {
    const bench = await openJobBench(t);
    bench.work.second = fail("it will not");
    bench.work.undoIt = fail("nor back");
    assert.equal(
      (await bench.done("a")).at(-1),
      "a failed: it will not; cleaning up failed too: undo it: nor back, not undone",
    );
  });

  it("unavailable: is waited out and counts as no attempt", async (t) => {
    const bench = await openJobBench(t);
    let times = 0;
    bench.work.first = () => {
      if (++times <= 20) throw new CloudError("unavailable", "libvirt: away");
    };
    const diary = await bench.done("a");
    assert.equal(diary.at(-1), "a finished");
    assert.equal(times, 21);
  });

  it("the deadline: ends what waits, with what it waited for", async (t) => {
    const bench = await openJobBench(t, {}, { deadline_ms: 50 });
    bench.work.first = () => Promise.reject(new CloudError("unavailable", "libvirt: away"));
    assert.equal((await bench.done("a")).at(-1), "a failed: not done after 0.05 s: libvirt: away, undone");
  });

  it("the deadline: counts from when the node took the job up, not from a restart", async (t) => {
    const bench = await openJobBench(t, { works: false }, { deadline_ms: 3_600_000 });
    await bench.enqueue("a");
    const key = `${jobPrefix("sf-1")}test.work.a`;
    const old = { ...bench.job("a"), begun: bench.f.cloud.clock.now() - 3601 };
    await bench.f.cloud.store.commit([put(key, old)]);
    await bench.restart({}, true);
    await bench.f.idle();
    assert.match(bench.diary.at(-1) ?? "", /^a failed: not done after 3600 s, undone/);
  });

  it("close: the job resumes at the step noted, with the next start (fault 43)", async (t) => {
    const bench = await openJobBench(t);
    const entered = gate();
    bench.work.second = async ({ signal }) => {
      entered.opened();
      await aborted(signal);
    };
    await bench.enqueue("a");
    await entered.passed;
    await eventually("that it is noted", 5000, () => bench.job("a").step === "second" || undefined);
    bench.diary.length = 0;
    const closed = bench.restart();
    bench.work.second = () => {};
    await closed;
    await bench.f.idle();
    assert.deepEqual(bench.diary, ["a second", "a finished"]);
  });

  it("a restart while it is undone: goes on undoing, with the same reason", async (t) => {
    const bench = await openJobBench(t);
    const entered = gate();
    bench.work.first = () => Promise.reject(new CloudError("malformed", "it cannot be"));
    bench.work.undoIt = async ({ signal }) => {
      entered.opened();
      await aborted(signal);
    };
    await bench.enqueue("a");
    await entered.passed;
    assert.equal(bench.job("a").failure, "it cannot be");
    bench.diary.length = 0;
    const closed = bench.restart();
    bench.work.undoIt = () => {};
    await closed;
    await bench.f.idle();
    assert.deepEqual(bench.diary, ["a undoIt", "a failed: it cannot be, undone"]);
  });

  it("the store is away: the job waits and goes on", async (t) => {
    const bench = await openJobBench(t);
    const entered = gate();
    bench.work.first = async () => {
      bench.f.memory.kill();
      setImmediate(() => setImmediate(() => bench.f.memory.revive()));
      entered.opened();
    };
    await bench.enqueue("a");
    await entered.passed;
    await bench.f.idle();
    assert.equal(bench.diary.at(-1), "a finished");
  });
});

describe("worker: failpoints", () => {
  const outcomes: Record<string, string[]> = {
    "first:twice": ["a first", ...FINISHED],
    "second:twice": ["a first", "a second", "a second", "a finished"],
    "second:fail-once": ["a first", "a second", "a second", "a finished"],
    "second:fail-always": [
      ...["a first", "a second", "a second", "a second", "a undoIt"],
      "a failed: failpoint: told to fail, undone",
    ],
  };
  for (const [failpoint, expected] of Object.entries(outcomes)) {
    it(`${failpoint}: does what it says`, async (t) => {
      const bench = await openJobBench(t, { config: { FAILPOINT: `test/work:${failpoint}` } });
      assert.deepEqual(await bench.done("a"), expected);
    });
  }
});

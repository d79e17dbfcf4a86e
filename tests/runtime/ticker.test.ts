import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Cloud } from "#shared/cloud.ts";
import { silentLog } from "#shared/log.ts";
import type { ScheduleFunction } from "../../runtime/define.ts";
import { openTicker } from "../../runtime/ticker.ts";
import { hastyClock } from "../support/hasty-clock.ts";

const slept: number[] = [];

/** All that a ticker needs of a cloud; nobody sleeps. */
function tickerCloud(): Cloud {
  const clock = hastyClock();
  const sleep: Cloud["clock"]["sleep"] = (ms, signal) => {
    slept.push(ms);
    return clock.sleep(ms, signal);
  };
  return { clock: { now: clock.now, sleep }, log: silentLog } as Cloud;
}

const named = (more: Partial<ScheduleFunction> & Pick<ScheduleFunction, "run">) => ({
  name: "test/tick",
  file: "",
  definition: { summary: "A test", every_s: () => 7, deadline_ms: 60_000, ...more },
});

/** A `run` that counts, and what resolves at its nth call. */
function counted(work: (count: number) => Promise<void> | void = () => {}) {
  const waits = new Map<number, () => void>();
  let count = 0;
  return {
    count: () => count,
    reached: (nth: number) => new Promise<void>((resolve) => waits.set(nth, resolve)),
    async run() {
      count += 1;
      waits.get(count)?.();
      await work(count);
    },
  };
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });

describe("ticker", () => {
  it("a schedule: runs at once and again after its pause", async () => {
    slept.length = 0;
    const tick = counted();
    const third = tick.reached(3);
    const ticker = openTicker(tickerCloud(), [named({ run: tick.run })]);
    await third;
    await ticker.close();
    assert.deepEqual(new Set(slept), new Set([7000]));
  });

  it("a schedule: never runs twice at once", async () => {
    let inside = 0;
    let most = 0;
    const tick = counted(async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    });
    const fifth = tick.reached(5);
    const ticker = openTicker(tickerCloud(), [named({ run: tick.run })]);
    await fifth;
    await ticker.close();
    assert.equal(most, 1);
  });

  it("a schedule that fails: runs again, and does not stop another", async () => {
    const failing = counted(() => Promise.reject(new Error("no")));
    const well = counted();
    const both = [failing.reached(3), well.reached(3)];
    const ticker = openTicker(tickerCloud(), [named({ run: failing.run }), named({ run: well.run })]);
    await Promise.all(both);
    await ticker.close();
  });

  it("a schedule whose pause cannot be told: does not run, nor end the process", async () => {
    slept.length = 0;
    const broken = counted();
    const well = counted();
    const third = well.reached(3);
    const every_s = () => {
      throw new Error("no pause");
    };
    const ticker = openTicker(tickerCloud(), [named({ run: broken.run, every_s }), named({ run: well.run })]);
    await third;
    await ticker.close();
    assert.equal(broken.count(), 0);
    assert.ok(slept.includes(60_000));
  });

  it("a schedule past its deadline: is told to end", async (t) => {
    // The deadline's timer keeps no process alive.
    const alive = setInterval(() => {}, 1000);
    t.after(() => clearInterval(alive));
    const tick = counted();
    const second = tick.reached(2);
    const ticker = openTicker(tickerCloud(), [
      named({
        deadline_ms: 5,
        run: async ({ signal }) => {
          await tick.run();
          await aborted(signal);
        },
      }),
    ]);
    await second;
    await ticker.close();
  });

  it("close: ends what runs and waits for it; nothing runs afterwards", async () => {
    let ended = false;
    const tick = counted();
    const first = tick.reached(1);
    const ticker = openTicker(tickerCloud(), [
      named({
        run: async ({ signal }) => {
          await tick.run();
          await aborted(signal);
          ended = true;
        },
      }),
    ]);
    await first;
    await ticker.close();
    assert.deepEqual([ended, tick.count()], [true, 1]);
  });
});

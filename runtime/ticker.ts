// Wakes the schedules. Each runs alone, never twice at once, and again `every_s` after it has ended.
import type { Cloud } from "../shared/cloud.ts";
import type { ScheduleFunction } from "./define.ts";
import type { Named } from "./scan.ts";

export interface Ticker {
  close(): Promise<void>;
}

export function openTicker(cloud: Cloud, schedules: readonly Named<ScheduleFunction>[]): Ticker {
  const stop = new AbortController();
  const loops = schedules.map((schedule) => keepRunning(cloud, schedule, stop.signal));
  return {
    async close() {
      stop.abort();
      await Promise.allSettled(loops);
    },
  };
}

async function keepRunning(
  cloud: Cloud,
  { name, definition }: Named<ScheduleFunction>,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(definition.deadline_ms)]);
    try {
      await definition.run({ cloud, signal });
    } catch (error) {
      if (!stop.aborted) cloud.log.warn({ schedule: name, err: error }, "schedule failed");
    }
    await cloud.clock.sleep(definition.every_s(cloud) * 1000, stop).catch(() => undefined);
  }
}

// Wakes the schedules. Each runs alone, never twice at once, and again `every_s` after it has ended.
import { setMaxListeners } from "node:events";
import type { Cloud } from "#shared/cloud.ts";
import { openDeadline } from "#shared/deadline.ts";
import type { ScheduleFunction } from "./define.ts";
import type { Named } from "./scan.ts";

/** Of a schedule that cannot even say when. */
const DEFAULT_PAUSE_S = 60;

export interface Ticker {
  close(): Promise<void>;
}

export function openTicker(cloud: Cloud, schedules: readonly Named<ScheduleFunction>[]): Ticker {
  const stop = new AbortController();
  // Each schedule listens while it rests; Node warns of more than ten.
  setMaxListeners(0, stop.signal);
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
    const deadline = openDeadline(definition.deadline_ms);
    const signal = AbortSignal.any([stop, deadline.signal]);
    let pause_s = DEFAULT_PAUSE_S;
    try {
      pause_s = definition.every_s(cloud);
      await definition.run({ cloud, signal });
    } catch (error) {
      if (!stop.aborted) cloud.log.warn({ schedule: name, err: error }, "schedule failed");
    } finally {
      deadline.clear();
    }
    await cloud.clock.sleep(pause_s * 1000, stop).catch(() => undefined);
  }
}

// A clock for tests that do not wait.
import { type Clock, systemClock } from "#shared/clock.ts";

/** True time, but nobody sleeps; it can be set forward. */
export interface FakeClock extends Clock {
  advance(seconds: number): void;
}

export function hastyClock(): FakeClock {
  let ahead = 0;
  return {
    now: () => systemClock.now() + ahead,
    sleep: (_ms, signal) => systemClock.sleep(1, signal),
    advance(seconds) {
      ahead += seconds;
    },
  };
}

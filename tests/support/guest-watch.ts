// What users see of a real guest, waited for.
import assert from "node:assert/strict";
import type { ApiClient } from "#shared/api/client.ts";
import type { Event, Instance } from "#shared/api/types.ts";
import { eventually } from "./await.ts";

const BOOT_MS = 180_000;
const NOTICE_MS = 30_000;

export interface GuestWatch {
  shown(guest: Instance): Promise<Instance>;
  eventsOf(guest: Instance): Promise<Event[]>;
  /** Resolves when its console has had these words so many times; they need the flag g. */
  untilConsole(guest: Instance, words: RegExp, times?: number): Promise<unknown>;
  untilPower(guest: Instance, power: string): Promise<Instance>;
  untilTold(guest: Instance, operation: string, phase?: string): Promise<Event>;
}

export function watchGuests(api: ApiClient): GuestWatch {
  const shown = async ({ uuid }: Instance) => (await api.getInstance(uuid)) ?? assert.fail();
  const eventsOf = ({ uuid }: Instance) => api.listEvents("instances", uuid);
  const consoleOf = async ({ uuid }: Instance) => String(await api.getConsoleData(uuid, -1));
  return {
    shown,
    eventsOf,
    untilConsole: (guest, words, times = 1) =>
      eventually(
        `console of ${guest.name}: ${words}`,
        BOOT_MS,
        async () => ((await consoleOf(guest)).match(words) ?? []).length >= times || undefined,
      ),
    untilPower: (guest, power) =>
      eventually(`${guest.name} is ${power}`, NOTICE_MS, async () => {
        const now = await shown(guest);
        return now.power_state === power ? now : undefined;
      }),
    untilTold: (guest, operation, phase = "complete") =>
      eventually(`${guest.name}: ${operation} ${phase}`, BOOT_MS, async () =>
        (await eventsOf(guest)).find((event) => event.operation === operation && event.phase === phase),
      ),
  };
}

// What an instance's own history says of its power. Its calls stand there in the order in which they had its lock, and an
// accepted one has "complete" behind it.
import assert from "node:assert/strict";
import type { PowerAct } from "#shared/api/client.ts";
import type { Event } from "#shared/api/types.ts";

/** The power in which an accepted call ends, whatever was before. */
const ENDS_IN: Record<PowerAct, string> = {
  poweron: "on",
  poweroff: "off",
  pause: "paused",
  unpause: "on",
  rebootsoft: "on",
  reboothard: "on",
};

export const ACTS = Object.keys(ENDS_IN) as PowerAct[];

/** By the words of their events. */
const ASKED: Record<string, PowerAct> = {
  poweron: "poweron",
  poweroff: "poweroff",
  pause: "pause",
  unpause: "unpause",
  "soft reboot": "rebootsoft",
  "hard reboot": "reboothard",
};

const DONE = ["poweron", "poweroff", "pause", "unpause", "reboot"];

/** That a call was accepted and done. */
export const isDone = ({ operation, phase }: Event): boolean =>
  phase === "complete" && DONE.includes(operation ?? "");

function isPossible(act: PowerAct, power: string): boolean {
  if (act === "poweron" || act === "poweroff") return true;
  return power === "on" || (power === "paused" && act !== "rebootsoft");
}

/**
 * The power after all calls in the history of a guest that was on, and the calls. Fails where one was refused that was
 * possible, or accepted that was not.
 */
export function powerAfter(history: readonly Event[], name: string): { power: string; acts: string[] } {
  let power = "on";
  const acts: string[] = [];
  for (const [index, { operation, phase }] of history.entries()) {
    const act = operation === "api" ? ASKED[phase ?? ""] : undefined;
    if (act === undefined) continue;
    const done = until(history.slice(index + 1), "api").some(isDone);
    assert.equal(done, isPossible(act, power), `${name}: ${act} while ${power}, after ${acts.join(" ")}`);
    if (done) power = ENDS_IN[act];
    acts.push(done ? act : `${act}(refused)`);
  }
  return { power, acts };
}

function until(events: readonly Event[], operation: string): readonly Event[] {
  const end = events.findIndex((event) => event.operation === operation);
  return end === -1 ? events : events.slice(0, end);
}

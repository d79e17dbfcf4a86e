import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePowerEvent, parseReboot } from "#shared/ports/hypervisor/libvirt-events.ts";

const uuid = "0b7c4a52-5bd1-4d0f-9a3e-7a3c3a1c9f10";

function powerAfter(words: string): string | undefined {
  return parsePowerEvent(`event 'lifecycle' for domain 'sf:${uuid}': ${words}`)?.power;
}

test("parsePowerEvent: every lifecycle event of libvirt: its power, or nothing", () => {
  const expected = {
    "Defined Added": undefined,
    "Undefined Removed": undefined,
    "Started Booted": "on",
    "Resumed Unpaused": "on",
    "Suspended Paused": "paused",
    "Suspended I/O Error": "paused",
    "PMSuspended Memory": "paused",
    "Shutdown Finished after guest request": undefined,
    "Stopped Shutdown": "off",
    "Stopped Destroyed": "off",
    "Stopped Saved": "off",
    "Stopped Crashed": "crashed",
    "Stopped Failed": "crashed",
    "Crashed Panicked": "crashed",
  };
  for (const [words, power] of Object.entries(expected)) assert.equal(powerAfter(words), power, words);
});

test("parsePowerEvent: other programs' domains and other lines are nothing", () => {
  assert.equal(parsePowerEvent("ready"), undefined);
  assert.equal(parsePowerEvent("events received: 14"), undefined);
  assert.equal(parsePowerEvent(`event 'lifecycle' for domain 'x-${uuid}': Started Booted`), undefined);
  assert.equal(parsePowerEvent(`event 'reboot' for domain 'sf:${uuid}'`), undefined);
});

test("parseReboot: the domain of ours that restarted", () => {
  assert.equal(parseReboot(`event 'reboot' for domain 'sf:${uuid}'`), uuid);
  assert.equal(parseReboot(`event 'reboot' for domain 'x-${uuid}'`), undefined);
  assert.equal(parseReboot(`event 'lifecycle' for domain 'sf:${uuid}': Started Booted`), undefined);
});

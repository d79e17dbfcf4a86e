// Instances that are there: shown, listed, their power, console, events; and what is left of them afterwards.
import { json, nothing, plain, refused } from "../answers.ts";
import { event, instance, networkInterface } from "../objects.ts";
import type { Row } from "../row.ts";
import { anything, listOf, listWith, objectWith, text, without } from "../shape.ts";

const one = "/instances/[instance_ref]";
const list = "GET /instances";
const show = `GET ${one}`;
const ANY_TEXT = plain(/^.*$/s);
const NOT_FOUND = refused(404, "instance not found");
const twin = instance({ uuid: "{twin_a}", name: "twin" });

const shows: Row[] = [
  { of: show, says: "by UUID", ask: "GET /instances/{twin_a}", gets: json(twin) },
  { of: show, says: "by name", ask: "GET /instances/twin", gets: json(twin) },
  { of: show, says: "to system", as: "system", ask: "GET /instances/{twin_a}", gets: json(twin) },
  { of: show, says: "not to others", as: "b", gets: NOT_FOUND },
  { of: show, says: "not to others by name", as: "b", ask: "GET /instances/twin", gets: NOT_FOUND },
  { of: show, says: "no such one", ask: "GET /instances/{nowhere}", gets: NOT_FOUND },
  {
    of: show,
    says: "one in error",
    ask: "GET /instances/{failed}",
    gets: json(objectWith({ state: "error", power_state: anything })),
  },
  {
    of: list,
    says: "one's own, without failed ones",
    gets: json(listOf(objectWith({ namespace: "a", state: "created" }), 2)),
  },
  {
    of: list,
    says: "a failed one with all, for any true value",
    body: { all: 1 },
    gets: json(listWith(objectWith({ uuid: "{failed}" }))),
  },
  {
    of: list,
    says: "a false value is none",
    body: { all: 0 },
    gets: json(without(objectWith({ uuid: "{failed}" }))),
  },
  {
    of: list,
    says: "for system all",
    as: "system",
    gets: json(listWith(objectWith({ uuid: "{instance}" }), objectWith({ uuid: "{chosen}" }))),
  },
  {
    of: list,
    says: "others'",
    as: "b",
    gets: json([instance({ uuid: "{chosen}", name: "under_score", namespace: "b" })]),
  },
  {
    ...{ of: `GET ${one}/interfaces`, says: "in the order of the request" },
    gets: json([
      networkInterface({ macaddr: "02:00:00:AA:bb:01", ipv4: "10.0.0.9", model: "e1000" }),
      networkInterface({ order: 1 }),
    ]),
    keep: { interface: "0.uuid", interface_two: "1.uuid" },
  },
  { of: `GET ${one}/interfaces`, says: "others'", as: "b", gets: NOT_FOUND },
  {
    of: "GET /networks/[network_ref]/interfaces",
    says: "those of a network",
    gets: json(listOf(networkInterface({ macaddr: anything, order: anything, model: anything }), 2)),
  },
  {
    of: "DELETE /networks/[network_ref]",
    says: "one that is in use",
    gets: refused(403, "you cannot delete an in use network"),
  },
  {
    of: "DELETE /auth/namespaces/[namespace]",
    says: "one with instances",
    as: "system",
    gets: refused(400, "you cannot delete a namespace with instances"),
  },
];

const happened = (operation: string, phase: unknown, message: unknown = null) =>
  event("instance", "{instance}", { operation, phase, message });
const events: Row[] = [
  {
    of: `GET ${one}/events`,
    says: "every field",
    soon: true,
    gets: json(listOf(event("instance", "{instance}"), 4)),
  },
  {
    ...{ of: `GET ${one}/events`, says: "of a create", soon: true },
    gets: json(
      listWith(
        happened("uuid allocated", null),
        happened("placement", null, "sf-test"),
        happened("create", "enqueued"),
        happened("state changed", "creating -> created"),
      ),
    ),
  },
  { of: `GET ${one}/events`, says: "others'", as: "b", gets: NOT_FOUND },
  { of: `GET ${one}/events`, says: "no such one", ask: "GET /instances/{nowhere}/events", gets: NOT_FOUND },
];

const twins: [act: string, of: string, answer: unknown][] = [
  ["pauses it", "pause", null],
  ["paused already", "pause", null],
  ["lets it go on", "unpause", null],
  ["goes on already", "unpause", null],
  ["asks it", "rebootsoft", null],
  ["asks it, by its other name", "reboot", null],
  ["resets it", "reboothard", null],
  ["cuts it", "poweroff", null],
  ["cut already", "poweroff", null],
  ["starts it", "poweron", true],
  ["started already", "poweron", true],
];
const acts = ["poweron", "poweroff", "pause", "unpause", "rebootsoft", "reboothard", "reboot"];
const power: Row[] = [
  ...twins.map(([says, act, answer]) => ({
    ...{
      of: `POST ${one}/${act}`,
      says,
      ask: `POST /instances/twin/${act}`,
      body: "null",
      gets: json(answer),
    },
  })),
  ...acts.map((act) => ({ of: `POST ${one}/${act}`, says: "others'", as: "b" as const, gets: NOT_FOUND })),
  ...acts.map((act) => ({
    ...{
      of: `POST ${one}/${act}`,
      says: "no such one",
      ask: `POST /instances/{nowhere}/${act}`,
      gets: NOT_FOUND,
    },
  })),
  ...acts.map((act) => ({
    ...{ of: `POST ${one}/${act}`, says: "one in error", ask: `POST /instances/{failed}/${act}` },
    gets: refused(409, /^instance [\da-f-]{36}: not possible while error$/),
  })),
  { of: `POST ${one}/poweroff`, says: "once more", ask: "POST /instances/twin/poweroff", gets: nothing },
  {
    of: `POST ${one}/pause`,
    says: "one that is off",
    ask: "POST /instances/twin/pause",
    gets: refused(409, /cannot pause/),
  },
  {
    of: `POST ${one}/rebootsoft`,
    says: "one that is off",
    ask: "POST /instances/twin/rebootsoft",
    gets: refused(409, /cannot soft reboot/),
  },
  {
    of: `POST ${one}/reboothard`,
    says: "one that is off",
    ask: "POST /instances/twin/reboothard",
    gets: refused(409, /cannot hard reboot/),
  },
  {
    of: `POST ${one}/unpause`,
    says: "one that is off",
    ask: "POST /instances/twin/unpause",
    gets: refused(409, /cannot unpause/),
  },
  {
    of: show,
    says: "one that is off",
    ask: "GET /instances/twin",
    gets: json(instance({ name: "twin", power_state: "off", power_state_previous: "on" })),
  },
];

const of = `GET ${one}/consoledata`;
const NO_INTEGER = refused(400, "length is not an integer");
const lengths: unknown[] = [-1, 0, null, "", "-1", "10240", 1, 4_000_000_000];
const wrong: unknown[] = ["banana", 1.5, "1.5", true, [], {}];
const consoles: Row[] = [
  { of, says: "its end", gets: ANY_TEXT },
  ...lengths.map((length) => ({
    of,
    says: `a length of ${JSON.stringify(length)}`,
    body: { length },
    gets: ANY_TEXT,
  })),
  ...wrong.map((length) => ({
    of,
    says: `a length of ${JSON.stringify(length)}`,
    body: { length },
    gets: NO_INTEGER,
  })),
  { of, says: "others'", as: "b", gets: NOT_FOUND },
  { of, says: "no such one", ask: "GET /instances/{nowhere}/consoledata", gets: NOT_FOUND },
  { of, says: "of one that never ran", ask: "GET /instances/{failed}/consoledata", gets: ANY_TEXT },
];

const follow = `GET ${one}/console`;
/** Of those that are over: what comes from a guest that lives has no end. */
const streams: Row[] = [
  { of: follow, says: "of one that never ran", ask: "GET /instances/{failed}/console", gets: ANY_TEXT },
  ...lengths.map((length) => ({
    of: follow,
    says: `a length of ${JSON.stringify(length)}`,
    ask: "GET /instances/{failed}/console",
    body: { length },
    gets: ANY_TEXT,
  })),
  ...wrong.map((length) => ({
    of: follow,
    says: `a length of ${JSON.stringify(length)}`,
    body: { length },
    gets: NO_INTEGER,
  })),
  { of: follow, says: "others'", as: "b", gets: NOT_FOUND },
  { of: follow, says: "no such one", ask: "GET /instances/{nowhere}/console", gets: NOT_FOUND },
];

const remove = `DELETE ${one}`;
const gone = { name: "twin", state: "deleted", power_state: "off", block_devices: anything };
/** Once the others have been. */
export const instanceDeletions: Row[] = [
  { of: remove, says: "others'", as: "b", gets: NOT_FOUND },
  { of: remove, says: "no such one", ask: "DELETE /instances/{nowhere}", gets: NOT_FOUND },
  { of: remove, says: "one that is off, by name", ask: "DELETE /instances/twin", gets: nothing },
  {
    of: show,
    says: "one that is deleted",
    ask: "GET /instances/{twin_a}",
    gets: json(instance({ uuid: "{twin_a}", ...gone, power_state_previous: text(/./) })),
  },
  { of: show, says: "the name of a deleted one", ask: "GET /instances/twin", gets: NOT_FOUND },
  { of: remove, says: "one that is deleted", ask: "DELETE /instances/{twin_a}", gets: NOT_FOUND },
  {
    of: `POST ${one}/poweron`,
    says: "one that is deleted",
    ask: "POST /instances/{twin_a}/poweron",
    gets: refused(409, /not possible while deleted$/),
  },
  { of: remove, says: "one in error", ask: "DELETE /instances/{failed}", gets: nothing },
  {
    of: show,
    says: "one that was in error",
    ask: "GET /instances/{failed}",
    gets: json(objectWith({ state: "deleted", error_message: text(/404/) })),
  },
  { of: list, says: "deleted ones are left out", gets: json(without(objectWith({ uuid: "{twin_a}" }))) },
  {
    of: list,
    says: "deleted ones are there with all",
    body: { all: true },
    gets: json(listWith(objectWith({ uuid: "{twin_a}" }))),
  },
  { of: `GET ${one}/interfaces`, says: "before", gets: json(listOf(objectWith({ state: "created" }), 2)) },
  { of: remove, says: "one that runs", gets: nothing },
  { of: `GET ${one}/interfaces`, says: "those of a deleted one are gone", gets: json([]) },
  {
    of: "GET /interfaces/[interface_uuid]",
    says: "of a deleted instance",
    gets: json(
      networkInterface({ macaddr: "02:00:00:AA:bb:01", ipv4: "10.0.0.9", model: "e1000", state: "deleted" }),
    ),
  },
  { of, says: "of a deleted one", gets: ANY_TEXT },
  { of: follow, says: "of a deleted one", gets: ANY_TEXT },
  {
    of: `GET ${one}/events`,
    says: "of a delete",
    soon: true,
    gets: json(listWith(happened("state changed", "created -> deleted"))),
  },
];

export const instances = [...shows, ...events, ...power, ...consoles, ...streams];

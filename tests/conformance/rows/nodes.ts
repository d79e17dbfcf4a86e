// The nodes, which `system` alone may see: shown, cordoned, drained.
import { json, nothing, refused } from "../answers.ts";
import { event } from "../objects.ts";
import type { As, Row } from "../row.ts";
import { anyText, listOf, listWith, Matcher, seconds, text, wholeNumber } from "../shape.ts";

const as: As = "system";
const one = "/nodes/[node]";
const show = `GET ${one}`;
const UNAUTHORIZED = refused(401, "unauthorized");
const NOT_FOUND = refused(404, "node nosuch not found");

const node = {
  ...{ name: "sf-test", ip: "{node_ip}", lastseen: seconds, version: text(/^\d+\.\d+\.\d+/) },
  ...{ state: "present", roles: ["hypervisor", "network node"], cordoned: false },
};
const ghost = {
  ...{ name: "ghost", ip: "10.99.0.9", lastseen: 0, version: "0" },
  ...{ state: "away", roles: ["hypervisor"], cordoned: false },
};
const claim = wholeNumber(0, 2 ** 31);
const claims = { cpus: claim, memory_mib: claim, disk_gib: claim };
const gauges = new Matcher(
  "gauges",
  (value) =>
    ["cpu_max", "memory_available", "disk_free", "instances_active", "node_queue_waiting"].every(
      (name) => name in (value as object),
    ) && Object.values(value as object).every((each) => typeof each === "number"),
);

const onOne = (act: string): Row[] => {
  const [method, path] = act.split(" ") as [string, string];
  return [
    { of: `${method} ${one}${path}`, says: "for system alone", gets: UNAUTHORIZED },
    {
      of: `${method} ${one}${path}`,
      says: "no such one",
      as,
      ask: `${method} /nodes/nosuch${path}`,
      gets: NOT_FOUND,
    },
  ];
};
/** The checks of the machine say what it is like; these two say the same everywhere. */
const examined = (method: string): Row[] => {
  const route = { of: `${method} ${one}/doctor`, as, ask: `${method} /nodes/sf-test/doctor` };
  const well = (check: string, scope: string) => ({
    ...{ check, scope, summary: anyText, state: "ok", reason: null, findings: [] },
  });
  return [
    {
      ...{ ...route, says: "two checks", body: { checks: ["vxids", "libvirt"] } },
      gets: json([well("libvirt", "node"), well("vxids", "cloud")]),
    },
    {
      ...{ ...route, says: "of the cloud alone", body: { checks: ["vxids", "libvirt"], scope: "cloud" } },
      gets: json([well("vxids", "cloud")]),
    },
    { ...route, says: "no such scope", body: { scope: "x" }, gets: refused(400, "scope is node or cloud") },
    {
      ...{ ...route, says: "not a list", body: { checks: "vxids" } },
      gets: refused(400, "checks is a list of the names of checks"),
    },
    {
      ...{ ...route, says: "no such check", body: { checks: ["x"] } },
      gets: refused(400, /^checks: there is no check x; there are programs, /),
    },
    { ...route, says: "one that is away", ask: `${method} /nodes/ghost/doctor`, gets: refused(503, /ghost/) },
  ];
};
const ask = (act: string) => act.replace("[node]", "sf-test");

export const nodes: Row[] = [
  { of: "GET /nodes", says: "every node", as, gets: json(listWith(node, ghost)) },
  { of: "GET /nodes", says: "for system alone", gets: UNAUTHORIZED },
  {
    ...{ of: show, says: "how it is", as, ask: ask(show), soon: true },
    gets: json({ ...node, claims, metrics: gauges, instances: [] }),
  },
  {
    ...{ of: show, says: "one that is away", as, ask: "GET /nodes/ghost" },
    gets: json({ ...ghost, claims: { cpus: 0, memory_mib: 0, disk_gib: 0 }, metrics: {}, instances: [] }),
  },
  ...["GET ", "POST /cordon", "POST /uncordon", "POST /drain", "GET /events"].flatMap(onOne),
  ...["GET /doctor", "POST /doctor"].flatMap(onOne),
  ...["GET", "POST"].flatMap(examined),
  { of: `POST ${one}/cordon`, says: "it", as, ask: ask(`POST ${one}/cordon`), gets: nothing },
  { of: `POST ${one}/cordon`, says: "again", as, ask: ask(`POST ${one}/cordon`), gets: nothing },
  {
    ...{ of: "POST /instances", says: "nowhere but on a cordoned node", as },
    body: { name: "nowhere", cpus: 1, memory: 64, disk: [{ size: 1 }] },
    gets: refused(507, /^No nodes with metrics: no node fits: ghost is away, sf-test is cordoned$/),
  },
  { of: `POST ${one}/drain`, says: "nothing is left", as, ask: ask(`POST ${one}/drain`), gets: json([]) },
  { of: `POST ${one}/uncordon`, says: "it", as, ask: ask(`POST ${one}/uncordon`), gets: nothing },
  {
    ...{ of: `GET ${one}/events`, says: "every field", as, ask: ask(`GET ${one}/events`), soon: true },
    gets: json(listOf(event("node", "sf-test"), 2)),
  },
];

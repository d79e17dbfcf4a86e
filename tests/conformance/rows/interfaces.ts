// Interfaces and their floating addresses; snapshots.
import { json, nothing, refused } from "../answers.ts";
import { networkInterface, snapshot } from "../objects.ts";
import type { Row } from "../row.ts";
import { listOf, text, uuid } from "../shape.ts";

const one = "/interfaces/[interface_uuid]";
const NOT_FOUND = refused(404, "interface not found");
const first = { macaddr: "02:00:00:AA:bb:01", ipv4: "10.0.0.9", model: "e1000" };

const shows: Row[] = [
  { of: `GET ${one}`, says: "one's own", gets: json(networkInterface(first)) },
  { of: `GET ${one}`, says: "to system", as: "system", gets: json(networkInterface(first)) },
  { of: `GET ${one}`, says: "others'", as: "b", gets: NOT_FOUND },
  { of: `GET ${one}`, says: "no such one", ask: "GET /interfaces/{nowhere}", gets: NOT_FOUND },
];

const floats: Row[] = [
  { of: `POST ${one}/defloat`, says: "one that has none", gets: refused(404, /float/) },
  { of: `POST ${one}/float`, says: "one's own", gets: nothing },
  {
    ...{ of: `GET ${one}`, says: "has its address at once" },
    gets: json(networkInterface({ ...first, floating: text(/^192\.168\.20\.\d+$/) })),
    keep: { floating: "floating" },
  },
  { of: `POST ${one}/float`, says: "again: it keeps its address", gets: nothing },
  {
    of: `GET ${one}`,
    says: "still the same",
    gets: json(networkInterface({ ...first, floating: "{floating}" })),
  },
  { of: `POST ${one}/float`, says: "others'", as: "b", gets: NOT_FOUND },
  { of: `POST ${one}/float`, says: "no such one", ask: "POST /interfaces/{nowhere}/float", gets: NOT_FOUND },
  { of: `POST ${one}/defloat`, says: "others'", as: "b", gets: NOT_FOUND },
  {
    of: `POST ${one}/defloat`,
    says: "no such one",
    ask: "POST /interfaces/{nowhere}/defloat",
    gets: NOT_FOUND,
  },
  { of: `POST ${one}/defloat`, says: "one's own", gets: nothing },
  { of: `GET ${one}`, says: "has none any more", gets: json(networkInterface(first)) },
];

const shots = "/instances/[instance_ref]/snapshot";
const GONE = refused(404, "instance not found");
const snapshots: Row[] = [
  { of: `GET ${shots}`, says: "none yet", gets: json([]) },
  { of: `POST ${shots}`, says: "the first disk", gets: json(uuid), keep: { snapshot: "" } },
  { of: `GET ${shots}`, says: "a row for the disk", gets: json([snapshot()]) },
  { of: `POST ${shots}`, says: "null is the first disk", body: { all: null }, gets: json(uuid) },
  { of: `POST ${shots}`, says: "every disk", body: { all: true }, gets: json(uuid) },
  {
    of: `GET ${shots}`,
    says: "a row for each",
    gets: json(listOf(snapshot({ uuid, device: text(/^(vda|hdc)$/) }), 4)),
  },
  {
    of: `POST ${shots}`,
    says: "what is neither true nor false",
    body: { all: "x" },
    gets: refused(400, /^all /),
  },
  { of: `POST ${shots}`, says: "others'", as: "b", gets: GONE },
  { of: `POST ${shots}`, says: "no such one", ask: "POST /instances/{nowhere}/snapshot", gets: GONE },
  { of: `GET ${shots}`, says: "others'", as: "b", gets: GONE },
  { of: `GET ${shots}`, says: "no such one", ask: "GET /instances/{nowhere}/snapshot", gets: GONE },
];

const snapshotPath = "/instances/{instance}/snapshot/{snapshot}";
const disk = `GET ${shots}/[snapshot_uuid]/[device]`;
const NO_SNAPSHOT = refused(404, "snapshot not found");
const bytes = { "accept-ranges": "bytes", etag: '"{snapshot}-vda"' };
const part: Row["gets"] = {
  ...{ status: 206, type: "application/octet-stream", text: /^[\s\S]{4}$/ },
  headers: { ...bytes, "content-length": "4", "content-range": /^bytes 0-3\/\d+$/ },
};
const snapshotFiles: Row[] = [
  {
    ...{ of: disk, says: "a part of it", ask: `GET ${snapshotPath}/vda`, headers: { Range: "bytes=0-3" } },
    gets: part,
  },
  {
    ...{ of: disk, says: "none of it", ask: `GET ${snapshotPath}/vda` },
    headers: { Range: "bytes=99999999999-" },
    gets: { ...refused(416, /^range: there are \d+ bytes/), headers: { "content-range": /^bytes \*\/\d+$/ } },
  },
  { of: disk, says: "others'", ask: `GET ${snapshotPath}/vda`, as: "b", gets: GONE },
  {
    ...{ of: disk, says: "no such device", ask: `GET ${snapshotPath}/vdz` },
    gets: refused(404, "snapshot {snapshot}: has no device vdz, only vda"),
  },
  {
    of: disk,
    says: "no such one",
    ask: "GET /instances/{instance}/snapshot/{nowhere}/vda",
    gets: NO_SNAPSHOT,
  },
  {
    of: `DELETE ${shots}/[snapshot_uuid]`,
    says: "others'",
    ask: `DELETE ${snapshotPath}`,
    as: "b",
    gets: GONE,
  },
  { of: `DELETE ${shots}/[snapshot_uuid]`, says: "one's own", ask: `DELETE ${snapshotPath}`, gets: nothing },
  {
    ...{ of: `DELETE ${shots}/[snapshot_uuid]`, says: "one that is gone", ask: `DELETE ${snapshotPath}` },
    gets: NO_SNAPSHOT,
  },
];

export const interfaces = [...shows, ...floats, ...snapshots, ...snapshotFiles];

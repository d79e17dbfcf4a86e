// DELETE /instances and DELETE /networks: everything of a namespace, when it is confirmed.
import { json, nothing, refused, refusedWith } from "../answers.ts";
import type { Row } from "../row.ts";
import { listOf, listWith, objectWith, uuid } from "../shape.ts";

const instances = "DELETE /instances";
const networks = "DELETE /networks";
const confirm = true;

const UNCONFIRMED = refused(400, "parameter confirm is not set true");
const UNNAMED = refused(400, "system user must specify parameter namespace");
const OTHERS = refused(401, "you cannot delete other namespaces");
const unsure: unknown[] = [undefined, null, false, 1, "true", "yes", []];

const refusals: Row[] = [instances, networks].flatMap((of): Row[] => [
  ...unsure.map((it) => ({
    of,
    says: `confirm is ${JSON.stringify(it)}`,
    body: { confirm: it },
    gets: UNCONFIRMED,
  })),
  { of, says: "no body", gets: UNCONFIRMED },
  { of, says: "by system, without a namespace", as: "system", body: { confirm }, gets: UNNAMED },
  {
    of,
    says: "by system, with null for a namespace",
    as: "system",
    body: { confirm, namespace: null },
    gets: UNNAMED,
  },
  { of, says: "another namespace", body: { confirm, namespace: "b" }, gets: OTHERS },
  { of, says: "the namespace system", body: { confirm, namespace: "system" }, gets: OTHERS },
  { of, says: "no token", as: null, body: { confirm }, gets: refused(401, "Missing Authorization Header") },
]);

const USED = { deleted: listOf(uuid), unable: ["{network}"] };
const small = {
  name: "last",
  cpus: 1,
  memory: 64,
  disk: [{ size: 1 }],
  network: [{ network_uuid: "{network}" }],
};

/** At the very end. */
export const deleteAll: Row[] = [
  ...refusals,
  {
    of: "POST /instances",
    says: "one to be in the way",
    body: small,
    gets: json(objectWith({ state: "created" })),
    keep: { last: "uuid" },
  },
  {
    of: networks,
    says: "one is in use: the free ones go all the same",
    body: { confirm },
    gets: refusedWith(403, USED, "deleted, unable"),
  },
  { of: "GET /networks", says: "what is left", gets: json([objectWith({ uuid: "{network}" })]) },
  { of: instances, says: "one's own", body: { confirm }, gets: json(["{last}"]) },
  { of: instances, says: "none left", body: { confirm, namespace: "a" }, gets: json([]) },
  {
    of: "GET /instances/[instance_ref]",
    says: "is deleted then",
    ask: "GET /instances/{last}",
    gets: json(objectWith({ state: "deleted" })),
  },
  {
    of: "DELETE /auth/namespaces/[namespace]",
    says: "one with networks",
    as: "system",
    gets: refused(400, "you cannot delete a namespace with networks"),
  },
  {
    of: networks,
    says: "by system, of a namespace",
    as: "system",
    body: { confirm, namespace: "a" },
    gets: json(["{network}"]),
  },
  { of: networks, says: "none left", body: { confirm }, gets: json([]) },
  {
    of: instances,
    says: "by system: everything",
    as: "system",
    body: { confirm, namespace: "system" },
    gets: json(listWith("{chosen}")),
  },
  {
    of: networks,
    says: "by system: everything",
    as: "system",
    body: { confirm, namespace: "system" },
    gets: json(["{network_b}"]),
  },
  { of: "GET /instances", says: "nothing is left", as: "system", gets: json([]) },
  { of: "GET /networks", says: "nothing is left", as: "system", gets: json([]) },
  {
    of: "DELETE /auth/namespaces/[namespace]",
    says: "one that is used no more",
    as: "system",
    ask: "DELETE /auth/namespaces/b",
    gets: nothing,
  },
];

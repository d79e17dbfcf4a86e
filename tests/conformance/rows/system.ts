// What `system` alone may see: the metadata of namespaces, the locks.
import { json, nothing, refused } from "../answers.ts";
import type { As, Row } from "../row.ts";
import { anyText, either, Matcher, wholeNumber } from "../shape.ts";

const as: As = "system";
const UNAUTHORIZED = refused(401, "unauthorized");
const NO_NAMESPACE = refused(404, "namespace does not exist");

const meta = "/auth/namespaces/[namespace]/metadata";
const metaKey = `${meta}/[key]`;
const metaPath = "/auth/namespaces/c/metadata";
const NO_VALUE = refused(400, "no value specified");
const falsy: [string, unknown][] = [
  ["null", null],
  ["empty text", ""],
  ["zero", 0],
  ["false", false],
];
const metadata: Row[] = [
  { of: `GET ${meta}`, says: "none yet", as, ask: `GET ${metaPath}`, gets: json({}) },
  { of: `GET ${meta}`, says: "for system alone", gets: UNAUTHORIZED },
  {
    of: `GET ${meta}`,
    says: "no such namespace",
    as,
    ask: "GET /auth/namespaces/nosuch/metadata",
    gets: NO_NAMESPACE,
  },
  {
    of: `POST ${meta}`,
    says: "a key and a value",
    as,
    ask: `POST ${metaPath}`,
    body: { key: "one", value: "1" },
    gets: nothing,
  },
  {
    of: `POST ${meta}`,
    says: "no key",
    as,
    ask: `POST ${metaPath}`,
    body: { value: "1" },
    gets: refused(400, "no key specified"),
  },
  { of: `POST ${meta}`, says: "no value", as, ask: `POST ${metaPath}`, body: { key: "two" }, gets: NO_VALUE },
  { of: `POST ${meta}`, says: "for system alone", body: { key: "x", value: "x" }, gets: UNAUTHORIZED },
  {
    of: `PUT ${metaKey}`,
    says: "a value",
    as,
    ask: `PUT ${metaPath}/two%20words`,
    body: { value: { any: ["JSON"] } },
    gets: nothing,
  },
  ...falsy.map(([what, value]) => ({
    of: `PUT ${metaKey}`,
    says: `${what} is no value`,
    as,
    ask: `PUT ${metaPath}/x`,
    body: { value },
    gets: NO_VALUE,
  })),
  { of: `PUT ${metaKey}`, says: "for system alone", body: { value: "x" }, gets: UNAUTHORIZED },
  {
    of: `GET ${meta}`,
    says: "as they were given",
    as,
    ask: `GET ${metaPath}`,
    gets: json({ one: "1", "two words": { any: ["JSON"] } }),
  },
  {
    of: "POST /auth/namespaces",
    says: "again: the metadata stays",
    as,
    body: { namespace: "c" },
    gets: json("c"),
  },
  { of: `DELETE ${metaKey}`, says: "a key", as, ask: `DELETE ${metaPath}/two%20words`, gets: nothing },
  {
    of: `DELETE ${metaKey}`,
    says: "a key that is gone",
    as,
    ask: `DELETE ${metaPath}/two%20words`,
    gets: refused(404, "key not found"),
  },
  { of: `DELETE ${metaKey}`, says: "for system alone", gets: UNAUTHORIZED },
  { of: `GET ${meta}`, says: "what is left", as, ask: `GET ${metaPath}`, gets: json({ one: "1" }) },
];

const locks = new Matcher(
  "an object of locks",
  (value) =>
    typeof value === "object" &&
    Object.entries(value as object).every(([name, lock]) => name.startsWith("/sflocks/") && LOCK.fits(lock)),
);
const LOCK = new Matcher("a lock", (value) => {
  const { node: where, pid, operation, ...rest } = value as Record<string, unknown>;
  return (
    anyText.fits(where) &&
    wholeNumber(1, 2 ** 22).fits(pid) &&
    either(null, anyText).fits(operation) &&
    Object.keys(rest).length === 0
  );
});
const others: Row[] = [
  { of: "GET /admin/locks", says: "who holds what", as, gets: json(locks) },
  { of: "GET /admin/locks", says: "for system alone", gets: UNAUTHORIZED },
];

export const system = [...metadata, ...others];

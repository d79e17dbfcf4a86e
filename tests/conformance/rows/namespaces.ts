// Namespaces: made, listed, deleted, by `system` alone.
import { json, nothing, refused } from "../answers.ts";
import type { As, Row } from "../row.ts";
import { anyText, listWith, without } from "../shape.ts";

const as: As = "system";
const ONE = "/auth/namespaces/[namespace]";
const UNAUTHORIZED = refused(401, "unauthorized");
const ILLEGAL = refused(403, "illegal key name");
const NO_STRING = refused(400, "key is not a string");

const list = "GET /auth/namespaces";
const make = "POST /auth/namespaces";
export const namespaces: Row[] = [
  { of: list, says: "the names", as, gets: json(listWith("a", "b", "system")) },
  { of: list, says: "for system alone", gets: UNAUTHORIZED },
  { of: make, says: "for system alone", body: { namespace: "c" }, gets: UNAUTHORIZED },
  { of: make, says: "without a key", as, body: { namespace: "c" }, gets: json("c") },
  {
    of: make,
    says: "again, with a key",
    as,
    body: { namespace: "c", key_name: "k", key: "one" },
    gets: json("c"),
  },
  { of: make, says: "no name", as, gets: refused(400, "no namespace specified") },
  {
    of: make,
    says: "a name that is empty",
    as,
    body: { namespace: "" },
    gets: refused(400, "no namespace specified"),
  },
  {
    of: make,
    says: "a name that is null",
    as,
    body: { namespace: null },
    gets: refused(400, "no namespace specified"),
  },
  { of: make, says: "a name with a slash", as, body: { namespace: "a/b" }, gets: refused(400, /^namespace/) },
  {
    of: make,
    says: "a name that is too long",
    as,
    body: { namespace: "x".repeat(64) },
    gets: refused(400, /^namespace/),
  },
  {
    of: make,
    says: "a key without its text",
    as,
    body: { namespace: "d", key_name: "k" },
    gets: refused(400, "no key specified"),
  },
  {
    of: make,
    says: "a key that is no text",
    as,
    body: { namespace: "d", key_name: "k", key: 7 },
    gets: NO_STRING,
  },
  {
    of: make,
    says: "a key of a name that is not free",
    as,
    body: { namespace: "d", key_name: "service_key", key: "x" },
    gets: ILLEGAL,
  },
  { of: list, says: "nothing came of what was refused", as, gets: json(without("d")) },
  {
    of: "POST /auth",
    says: "the new key opens",
    as: null,
    body: { namespace: "c", key: "one" },
    gets: json({ access_token: anyText }),
    keep: { token_c: "access_token" },
  },
];

const remove = `DELETE ${ONE}`;
/** Of the namespace `c`, once it is used no more. */
export const namespaceDeletions: Row[] = [
  { of: remove, says: "for system alone", gets: UNAUTHORIZED },
  {
    of: remove,
    says: "the namespace system",
    as,
    ask: "DELETE /auth/namespaces/system",
    gets: refused(403, "you cannot delete the system namespace"),
  },
  { of: remove, says: "one that is used by nothing", as, ask: "DELETE /auth/namespaces/c", gets: nothing },
  { of: remove, says: "one that there is not", as, ask: "DELETE /auth/namespaces/c", gets: nothing },
  {
    of: "GET /instances",
    says: "a token of a namespace that is gone",
    as: { raw: "Bearer {token_c}" },
    gets: refused(401, "the key of this token is gone"),
  },
  {
    of: "POST /auth",
    says: "a namespace that is gone",
    as: null,
    body: { namespace: "c", key: "five" },
    gets: UNAUTHORIZED,
  },
];

// The keys of a namespace, and how tokens die with them.
import { json, nothing, refused } from "../answers.ts";
import type { As, Row } from "../row.ts";
import { anyText } from "../shape.ts";

const as: As = "system";
const ONE = "/auth/namespaces/[namespace]";
const UNAUTHORIZED = refused(401, "unauthorized");
const NO_NAMESPACE = refused(404, "namespace does not exist");
const ILLEGAL = refused(403, "illegal key name");
const NO_STRING = refused(400, "key is not a string");

const keys = `${ONE}/keys`;
const key = `${keys}/[key_name]`;
const path = "/auth/namespaces/c/keys";
const nowhere = "/auth/namespaces/nosuch/keys";
export const namespaceKeys: Row[] = [
  { of: `GET ${keys}`, says: "the names of the keys", as, ask: `GET ${path}`, gets: json(["k"]) },
  { of: `GET ${keys}`, says: "no such namespace", as, ask: `GET ${nowhere}`, gets: NO_NAMESPACE },
  { of: `GET ${keys}`, says: "for system alone", gets: UNAUTHORIZED },
  {
    of: `POST ${keys}`,
    says: "a second key",
    as,
    ask: `POST ${path}`,
    body: { key_name: "l", key: "two" },
    gets: json("l"),
  },
  { of: `GET ${keys}`, says: "both keys", as, ask: `GET ${path}`, gets: json(["k", "l"]) },
  {
    of: `POST ${keys}`,
    says: "another text for a key",
    as,
    ask: `POST ${path}`,
    body: { key_name: "l", key: "three" },
    gets: json("l"),
  },
  {
    of: `POST ${keys}`,
    says: "with an end",
    as,
    ask: `POST ${path}`,
    body: { key_name: "m", key: "four", expires: 4_000_000_000 },
    gets: json("m"),
  },
  {
    of: `POST ${keys}`,
    says: "no name",
    as,
    ask: `POST ${path}`,
    body: { key: "x" },
    gets: refused(400, "no key name specified"),
  },
  {
    of: `POST ${keys}`,
    says: "no text",
    as,
    ask: `POST ${path}`,
    body: { key_name: "n" },
    gets: refused(400, "no key specified"),
  },
  {
    of: `POST ${keys}`,
    says: "a text that is none",
    as,
    ask: `POST ${path}`,
    body: { key_name: "n", key: ["x"] },
    gets: NO_STRING,
  },
  {
    of: `POST ${keys}`,
    says: "a name with a slash",
    as,
    ask: `POST ${path}`,
    body: { key_name: "a/b", key: "x" },
    gets: refused(400, /^key.name/),
  },
  {
    of: `POST ${keys}`,
    says: "a name that is not free",
    as,
    ask: `POST ${path}`,
    body: { key_name: "service_key", key: "x" },
    gets: ILLEGAL,
  },
  {
    of: `POST ${keys}`,
    says: "no such namespace",
    as,
    ask: `POST ${nowhere}`,
    body: { key_name: "n", key: "x" },
    gets: NO_NAMESPACE,
  },
  { of: `POST ${keys}`, says: "for system alone", body: { key_name: "n", key: "x" }, gets: UNAUTHORIZED },
  {
    of: `PUT ${key}`,
    says: "another text",
    as,
    ask: `PUT ${path}/k`,
    body: { key: "five" },
    gets: json("k"),
  },
  {
    of: `PUT ${key}`,
    says: "no such key",
    as,
    ask: `PUT ${path}/nosuch`,
    body: { key: "x" },
    gets: refused(404, "key does not exist"),
  },
  {
    of: `PUT ${key}`,
    says: "no such namespace",
    as,
    ask: `PUT ${nowhere}/k`,
    body: { key: "x" },
    gets: NO_NAMESPACE,
  },
  { of: `PUT ${key}`, says: "no text", as, ask: `PUT ${path}/k`, gets: refused(400, "no key specified") },
  {
    of: `PUT ${key}`,
    says: "a text that is none",
    as,
    ask: `PUT ${path}/k`,
    body: { key: true },
    gets: NO_STRING,
  },
  {
    of: `PUT ${key}`,
    says: "a name that is not free",
    as,
    ask: `PUT ${path}/service_key`,
    body: { key: "x" },
    gets: ILLEGAL,
  },
  { of: `PUT ${key}`, says: "for system alone", body: { key: "x" }, gets: UNAUTHORIZED },
  {
    of: "GET /instances",
    says: "a token of a key that has another text is over",
    as: { raw: "Bearer {token_c}" },
    gets: refused(401, "the key of this token is gone"),
  },
  {
    of: "POST /auth",
    says: "the old text opens no more",
    as: null,
    body: { namespace: "c", key: "one" },
    gets: UNAUTHORIZED,
  },
  {
    of: "POST /auth",
    says: "the new text opens",
    as: null,
    body: { namespace: "c", key: "five" },
    gets: json({ access_token: anyText }),
    keep: { token_c: "access_token" },
  },
  { of: `DELETE ${key}`, says: "a key", as, ask: `DELETE ${path}/l`, gets: nothing },
  {
    of: `DELETE ${key}`,
    says: "a key that is gone",
    as,
    ask: `DELETE ${path}/l`,
    gets: refused(404, "key name not found in namespace"),
  },
  { of: `DELETE ${key}`, says: "no such namespace", as, ask: `DELETE ${nowhere}/k`, gets: NO_NAMESPACE },
  { of: `DELETE ${key}`, says: "for system alone", gets: UNAUTHORIZED },
];

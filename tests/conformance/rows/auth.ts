// Logging in, tokens, and what those without a good one are told.
import { json, refused } from "../answers.ts";
import type { Row } from "../row.ts";
import { listOf, objectWith, text } from "../shape.ts";

const of = "POST /auth";
const UNAUTHORIZED = refused(401, "unauthorized");
const BAD_TOKEN = refused(401, "invalid JWT in Authorization header");
const BAD_SCHEME = refused(401, "Bad Authorization header. Expected value 'Bearer <JWT>'");
const MISSING = refused(401, "Missing Authorization Header");
const TOKEN = json({ access_token: text(/^[\w-]+\.[\w-]+\.[\w-]+$/) });

const wrong: [string, unknown, string][] = [
  ["no body", undefined, "missing namespace in request"],
  ["no namespace", { key: "x" }, "missing namespace in request"],
  ["a namespace that is null", { namespace: null, key: "x" }, "missing namespace in request"],
  ["a namespace that is empty", { namespace: "", key: "x" }, "missing namespace in request"],
  ["no key", { namespace: "a" }, "missing key in request"],
  ["a key that is null", { namespace: "a", key: null }, "missing key in request"],
  ["a key that is empty", { namespace: "a", key: "" }, "missing key in request"],
  ["a key that is a number", { namespace: "a", key: 7 }, "key is not a string"],
  ["a key that is a list", { namespace: "a", key: ["x"] }, "key is not a string"],
  ["an argument too many", { namespace: "a", key: "x", password: "y" }, "unknown argument 'password'"],
];

const login: Row[] = [
  { of, says: "a right key", as: null, body: { namespace: "a", key: "{key}" }, gets: TOKEN },
  {
    of,
    says: "a token in the header does not matter",
    as: "b",
    body: { namespace: "a", key: "{key}" },
    gets: TOKEN,
  },
  ...wrong.map(([says, body, words]) => ({ of, says, as: null, body, gets: refused(400, words) })),
  { of, says: "a wrong key", as: null, body: { namespace: "a", key: "wrong" }, gets: UNAUTHORIZED },
  {
    of,
    says: "no such namespace",
    as: null,
    body: { namespace: "nobody", key: "{key}" },
    gets: UNAUTHORIZED,
  },
  {
    of,
    says: "the key's name for its key",
    as: null,
    body: { namespace: "a", key: "tests" },
    gets: UNAUTHORIZED,
  },
];

const list = "GET /instances";
const tokens: Row[] = [
  { of: list, says: "a token of one's own", gets: json(listOf(objectWith({}), 0)) },
  { of: list, says: "no token", as: null, gets: MISSING },
  { of: list, says: "an empty header", as: { raw: "" }, gets: MISSING },
  { of: list, says: "another scheme", as: { raw: "Basic YTpi" }, gets: BAD_SCHEME },
  { of: list, says: "the scheme in small letters", as: { raw: "bearer {token}" }, gets: BAD_SCHEME },
  { of: list, says: "the scheme alone", as: { raw: "Bearer" }, gets: BAD_SCHEME },
  { of: list, says: "a word too many", as: { raw: "Bearer {token} x" }, gets: BAD_SCHEME },
  { of: list, says: "the token alone", as: { raw: "{token}" }, gets: BAD_SCHEME },
  { of: list, says: "what is no token", as: { raw: "Bearer x" }, gets: BAD_TOKEN },
  { of: list, says: "a token cut short", as: { raw: "Bearer {token_cut}" }, gets: BAD_TOKEN },
  { of: list, says: "a token with claims of its own", as: { raw: "Bearer {token_forged}" }, gets: BAD_TOKEN },
  { of: list, says: "a token without a signature", as: { raw: "Bearer {token_unsigned}" }, gets: BAD_TOKEN },
  {
    of: list,
    says: "a token signed with another secret",
    as: { raw: "Bearer {token_foreign}" },
    gets: BAD_TOKEN,
  },
  {
    of: list,
    says: "a token that is over",
    as: { raw: "Bearer {token_expired}" },
    gets: refused(401, "Signature has expired"),
  },
  {
    of: list,
    says: "a good signature for a key that there is not",
    as: { raw: "Bearer {token_keyless}" },
    gets: refused(401, "the key of this token is gone"),
  },
  {
    of: list,
    says: "a token in the query is none",
    ask: "GET /instances?access_token={token}",
    as: null,
    gets: MISSING,
  },
  {
    of: list,
    says: "a cookie is no token",
    as: null,
    headers: { Cookie: "access_token_cookie={token}" },
    gets: MISSING,
  },
];

export const auth = [...login, ...tokens];

// Images, and the pages about the API itself.
import { json, nothing, refused } from "../answers.ts";
import { event, image } from "../objects.ts";
import type { Row } from "../row.ts";
import { listWith, objectWith, text } from "../shape.ts";

const NO_URL = refused(400, "url is not a string");
const urls: unknown[] = [undefined, null, "", 7, ["x"], {}];
const fetched = (message: unknown) => event("image", "{image}", { operation: "fetch", message });

const rows: Row[] = [
  { of: "POST /images", says: "answers at once", body: { url: "{image}" }, gets: nothing },
  ...urls.map((url) => ({
    of: "POST /images",
    says: `${JSON.stringify(url)} for a URL`,
    body: { url },
    gets: NO_URL,
  })),
  {
    of: "POST /images",
    says: "no token",
    as: null,
    body: { url: "{image}" },
    gets: refused(401, "Missing Authorization Header"),
  },
  {
    of: "GET /images/events",
    says: "the fetch, by the text that was given",
    soon: true,
    body: { url: "{image}" },
    gets: json(listWith(event("image", "{image}", { operation: "api", phase: "cache" }), fetched("success"))),
  },
  {
    of: "POST /images",
    says: "a host that there is not",
    body: { url: "http://nosuch..invalid/x" },
    gets: nothing,
  },
  {
    of: "GET /images/events",
    says: "a host that there is not, in glibc's words",
    soon: true,
    body: { url: "http://nosuch..invalid/x" },
    gets: json(
      listWith(objectWith({ operation: "fetch", message: text(/^Error: .*Name or service not known/) })),
    ),
  },
  { of: "GET /images/events", says: "of what nobody asked for", body: { url: "nosuch" }, gets: json([]) },
  { of: "GET /images/events", says: "no URL", gets: NO_URL },
  {
    of: "GET /images/events",
    says: "no token",
    as: null,
    gets: refused(401, "Missing Authorization Header"),
  },
  { of: "GET /images", says: "those of every node", gets: json(listWith(image({ url: "{image}" }))) },
  {
    of: "GET /images",
    says: "those of a node",
    body: { node: "sf-test" },
    gets: json(listWith(image({ url: "{image}" }))),
  },
  {
    of: "GET /images",
    says: "a null is no filter",
    body: { node: null },
    gets: json(listWith(image({ url: "{image}" }))),
  },
  { of: "GET /images", says: "of a node without", body: { node: "nosuch" }, gets: json([]) },
  {
    of: "GET /images",
    says: "a node that is no text",
    body: { node: 7 },
    gets: refused(400, "node is not a string"),
  },
  { of: "GET /images", says: "no token", as: null, gets: refused(401, "Missing Authorization Header") },
];

export const images = rows;

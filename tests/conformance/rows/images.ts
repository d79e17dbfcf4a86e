// Images, and the pages about the API itself.
import { json, nothing, refused } from "../answers.ts";
import { event, image } from "../objects.ts";
import type { Row } from "../row.ts";
import { listWith, objectWith, text } from "../shape.ts";

const NO_IMAGE = (text: string) =>
  `image '${text}': neither an http or https URL nor one of cirros, ubuntu, debian`;
const NO_URL = refused(400, "url is not a string");
const urls: unknown[] = [undefined, null, "", 7, ["x"], {}];
const fetched = (message: unknown) => event("image", "{image}", { operation: "fetch", message });

const NO_NODE = "node is neither a name nor a list of names";
const CHECKSUM = "0".repeat(32);
const wrong: [says: string, more: object, error: string][] = [
  ["a file of the node", { url: "file:///etc/passwd" }, NO_IMAGE("file:///etc/passwd")],
  ["a short name that there is not", { url: "fedora" }, NO_IMAGE("fedora")],
  ["a node and all", { node: "sf-test", all: true }, "give node or all, not both"],
  ["a number for a node", { node: 7 }, NO_NODE],
  ["no node of many", { node: [] }, NO_NODE],
  ["a word for all", { all: "yes" }, "all is not a boolean"],
  ["a number for a checksum", { checksum: 7 }, "checksum is not a string"],
  [
    "a checksum that is cut",
    { checksum: `sha256:${CHECKSUM}` },
    `checksum 'sha256:${CHECKSUM}': sha256 has 64 hexadecimal digits, not 32`,
  ],
  [
    "two checksums",
    { url: `cirros#md5:${CHECKSUM}`, checksum: `md5:${CHECKSUM}` },
    `checksum: image 'cirros#md5:${CHECKSUM}' has one already; give it once`,
  ],
  [
    "a version that there is not",
    { url: "cirros:x" },
    "Cannot parse version: cirros:x (understood are cirros, and cirros: with a version such as 0.5.2)",
  ],
];

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
    says: "on nodes by name, with nulls for what is not wanted",
    body: { url: "{image}", node: ["sf-test"], checksum: null, all: null },
    gets: nothing,
  },
  { of: "POST /images", says: "on every node", body: { url: "{image}", all: true }, gets: nothing },
  {
    of: "POST /images",
    says: "on a node that there is not",
    body: { url: "{image}", node: "nosuch" },
    gets: refused(404, "node nosuch not found"),
  },
  ...wrong.map(([says, more, error]) => ({
    of: "POST /images",
    says,
    body: { url: "{image}", ...more },
    gets: refused(400, error),
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
  {
    of: "GET /images",
    says: "one image by its URL, with all that nodes know of it",
    body: { url: "{image}", all: true },
    gets: json(listWith(image({ url: "{image}" }))),
  },
  { of: "GET /images", says: "of a text that is no image", body: { url: "nosuch" }, gets: json([]) },
  {
    of: "GET /images",
    says: "a URL that is no text",
    body: { url: 7 },
    gets: refused(400, "url is not a string"),
  },
  {
    of: "GET /images",
    says: "a word for all",
    body: { all: "yes" },
    gets: refused(400, "all is not a boolean"),
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

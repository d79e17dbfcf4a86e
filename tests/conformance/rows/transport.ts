// What holds for every call: paths, methods, bodies on any of them and under any type.
import { json, nothing, plain, refused, unknownPath, wrongMethod } from "../answers.ts";
import type { Row } from "../row.ts";
import { listOf, objectWith } from "../shape.ts";

const GREETING = plain("Shaken Fist REST API service");
const LIST = json(listOf(objectWith({}), 0));
const NO_OBJECT = refused(400, "the body must be a JSON object of arguments");
const empty = { status: 200, type: "text/html; charset=utf-8", text: "" };
const of = "GET /instances";
const NOT_FOUND = refused(404, "instance not found");

const noArguments: [string, string][] = [
  ["nothing", ""],
  ["null", "null"],
  ["an empty object", "{}"],
  ["an empty list", "[]"],
  ["empty text", '""'],
  ["zero", "0"],
  ["false", "false"],
  ["text that is not JSON", "al=1&x"],
  ["half an object", '{"nosuch": '],
];
const noObject: [string, string][] = [
  ["a list", "[1]"],
  ["a list of pairs", '[["all", true]]'],
  ["text", '"all"'],
  ["a number", "7"],
  ["true", "true"],
];
const types = [
  "application/json",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/octet-stream",
  "nonsense",
];

const bodies: Row[] = [
  ...noArguments.map(([what, body]) => ({ of, says: `a body of ${what} is no arguments`, body, gets: LIST })),
  ...noArguments.map(([what, body]) => ({
    ...{ of, says: `${what} as application/json is no arguments`, body, gets: LIST },
    headers: { "Content-Type": "application/json" },
  })),
  ...noObject.map(([what, body]) => ({ of, says: `a body that is ${what}`, body, gets: NO_OBJECT })),
  ...types.map((type) => ({
    ...{ of, says: `a body of type ${type} counts`, body: '{"al": true}' },
    headers: { "Content-Type": type },
    gets: refused(400, "unknown argument 'al'; did you mean 'all'?"),
  })),
];

const refusedKeys: Row[] = [
  {
    of,
    says: "a key that is far from any",
    body: { instances: 1 },
    gets: refused(400, "unknown argument 'instances'"),
  },
  { of, says: "uuid is no key", body: { uuid: "x" }, gets: refused(400, "unknown argument 'uuid'") },
  {
    of,
    says: "a key of every object",
    body: '{"__proto__": 1}',
    gets: refused(400, "unknown argument '__proto__'"),
  },
  {
    of,
    says: "constructor is no key",
    body: { constructor: 1 },
    gets: refused(400, "unknown argument 'constructor'"),
  },
  {
    of: "GET /instances/[instance_ref]",
    says: "a call without arguments takes none",
    body: { instance_ref: "x" },
    gets: refused(400, "unknown argument 'instance_ref': this call takes none"),
  },
  {
    of: "DELETE /auth/namespaces/[namespace]",
    says: "a body does not change the path",
    ask: "DELETE /auth/namespaces/nosuch",
    ...{ as: "system", body: { namespace: "b" } },
    gets: refused(400, "unknown argument 'namespace': this call takes none"),
  },
  {
    of: "POST /instances/[instance_ref]/metadata",
    says: "a body does not change the path of an object",
    ...{ ask: "POST /instances/nosuch/metadata", body: { key: "x", value: "x", instance_uuid: "y" } },
    gets: refused(400, "unknown argument 'instance_uuid'"),
  },
];

const paths: Row[] = [
  { of: "GET /", says: "tells what this is, to anybody", as: null, gets: GREETING },
  { of: "GET /", says: "a bad token does not matter", as: { raw: "Bearer x" }, gets: GREETING },
  { of: "GET /", says: "doubled slashes count as one", ask: "GET //", as: null, gets: GREETING },
  { of, says: "doubled slashes before a path", ask: "GET //instances", gets: LIST },
  {
    of: "POST /auth",
    says: "doubled slashes, as from an address with a slash at its end",
    ask: "POST //auth",
    as: null,
    gets: refused(400, "missing namespace in request"),
  },
  {
    of: "GET /instances/[instance_ref]",
    says: "doubled slashes within",
    ask: "GET /instances//nosuch",
    gets: NOT_FOUND,
  },
  { of: null, says: "a path that there is not", ask: "GET /nosuch", gets: unknownPath },
  {
    of: null,
    says: "a path that there is not, without a token",
    ask: "GET /nosuch",
    as: null,
    gets: unknownPath,
  },
  {
    of: null,
    says: "a path that there is not, whatever the method",
    ask: "DELETE /nosuch",
    gets: unknownPath,
  },
  { of: null, says: "a slash at the end", ask: "GET /instances/", gets: unknownPath },
  { of: null, says: "slashes at the end", ask: "GET /instances//", gets: unknownPath },
  { of: null, says: "a path of dots", ask: "GET /../etc/passwd", gets: unknownPath },
  { of: null, says: "letters of the other case", ask: "GET /Instances", gets: unknownPath },
  {
    of: null,
    says: "a key of metadata with a slash",
    ask: "PUT /instances/x/metadata/a/b",
    gets: unknownPath,
  },
  {
    of: null,
    says: "calls of old agents: deploy",
    ask: "PUT /deploy_network_node",
    body: { uuid: "x" },
    gets: unknownPath,
  },
  {
    of: null,
    says: "calls of old agents: update",
    ask: "PUT /update_dhcp",
    body: { uuid: "x" },
    gets: unknownPath,
  },
  {
    of: null,
    says: "calls of old agents: remove",
    ask: "PUT /remove_dhcp",
    body: { uuid: "x" },
    gets: unknownPath,
  },
  { of, says: "a query is passed over", ask: "GET /instances?all=true", gets: LIST },
  {
    of: "GET /instances/[instance_ref]",
    says: "an encoded slash is no separator",
    ...{ ask: "GET /instances/..%2Fx", gets: NOT_FOUND },
  },
  {
    of: "GET /instances/[instance_ref]",
    says: "encoding that cannot be read",
    ...{ ask: "GET /instances/%zz", gets: refused(400, "path: not valid percent-encoding") },
  },
];

const methods: Row[] = [
  { of: null, says: "a method that the path has not", ask: "PUT /instances", gets: wrongMethod },
  { of: null, says: "a wrong method without a token", ask: "GET /auth", as: null, gets: wrongMethod },
  { of: null, says: "a wrong method on the root", ask: "DELETE /", gets: wrongMethod },
  { of: null, says: "a method that no path has", ask: "PATCH /instances", gets: wrongMethod },
  { of: null, says: "HEAD", ask: "HEAD /", as: null, gets: empty },
  { of: null, says: "HEAD of a list", ask: "HEAD /instances", gets: empty },
  { of: null, says: "OPTIONS", ask: "OPTIONS /instances", as: null, gets: empty },
  { of: null, says: "OPTIONS of what there is not", ask: "OPTIONS /nosuch", gets: unknownPath },
];

const large: Row[] = [
  {
    of: "POST /instances",
    says: "a body that is too large",
    body: `{"name": "${"x".repeat(1024 * 1024 + 1)}"}`,
    gets: refused(413, "the body is larger than 1 MiB"),
  },
  { of, says: "the connection still serves after that", gets: LIST },
  { of: "POST /images", says: "nothing to say is null", body: { url: "{images}/none" }, gets: nothing },
];

export const transport = [...paths, ...methods, ...bodies, ...refusedKeys, ...large];

// Networks: made, shown, refused.
import { json, nothing, refused } from "../answers.ts";
import { event, listedNetwork, network } from "../objects.ts";
import type { Row } from "../row.ts";
import { anything, listOf, listWith, objectWith, text, without } from "../shape.ts";

const make = "POST /networks";
const list = "GET /networks";
const show = "GET /networks/[network_ref]";
const NOT_FOUND = refused(404, "network not found");
const NETBLOCK = refused(400, /^cannot parse netblock: /);
const GATEWAY = text(/^192\.168\.20\.\d+$/);
const FLOATING = objectWith({ uuid: "floating" });

const blocks: [string, unknown][] = [
  ["nothing", undefined],
  ["null", null],
  ["a number", 167772160],
  ["a list", ["10.0.0.0/24"]],
  ["a word", "banana"],
  ["an address", "10.0.0.0"],
  ["host bits", "192.168.200.1/24"],
  ["IPv6", "fd00::/64"],
  ["a /30", "10.0.0.0/30"],
  ["a /31", "10.0.0.0/31"],
  ["a /32", "10.0.0.0/32"],
  ["a /0", "0.0.0.0/0"],
  ["leading zeros", "010.0.0.0/24"],
  ["a line more", "10.0.0.0/24\n"],
];

const creates: Row[] = [
  {
    of: make,
    says: "all that there is to say",
    body: { netblock: "10.0.0.0/24", provide_dhcp: false, provide_nat: true, name: "net" },
    gets: json(network({ provide_dhcp: false, provide_nat: true, floating_gateway: GATEWAY })),
    keep: { network: "uuid" },
  },
  {
    of: make,
    says: "the block alone; the same one as another's",
    body: { netblock: "10.0.0.0/24" },
    gets: json(network({ name: null })),
    keep: { network_two: "uuid" },
  },
  {
    of: make,
    says: "nulls are defaults",
    body: { netblock: "10.1.0.0/29", provide_dhcp: null, provide_nat: null, name: "twin", namespace: null },
    gets: json(network({ netblock: "10.1.0.0/29", name: "twin" })),
    keep: { twin_one: "uuid" },
  },
  {
    of: make,
    says: "a name that another has",
    body: { netblock: "10.1.0.0/29", name: "twin" },
    gets: json(network({ netblock: "10.1.0.0/29", name: "twin" })),
    keep: { twin_two: "uuid" },
  },
  {
    of: make,
    says: "by system for another",
    as: "system",
    body: { netblock: "10.2.0.0/24", name: "theirs", namespace: "b" },
    gets: json(network({ netblock: "10.2.0.0/24", name: "theirs", namespace: "b" })),
    keep: { network_b: "uuid" },
  },
  ...blocks.map(([what, netblock]) => ({
    of: make,
    says: `a block that is ${what}`,
    body: { netblock },
    gets: NETBLOCK,
  })),
  {
    of: make,
    says: "for another namespace",
    body: { netblock: "10.0.0.0/24", namespace: "b" },
    gets: refused(401, "only admins can create resources in a different namespace"),
  },
  {
    of: make,
    says: "for a namespace that there is not",
    as: "system",
    body: { netblock: "10.0.0.0/24", namespace: "nosuch" },
    gets: refused(404, "namespace does not exist"),
  },
  {
    of: make,
    says: "a flag that is a word",
    body: { netblock: "10.0.0.0/24", provide_dhcp: "yes" },
    gets: refused(400, "provide_dhcp is not true or false"),
  },
  {
    of: make,
    says: "a flag that is a number",
    body: { netblock: "10.0.0.0/24", provide_nat: 1 },
    gets: refused(400, "provide_nat is not true or false"),
  },
  {
    of: make,
    says: "a name that is no text",
    body: { netblock: "10.0.0.0/24", name: 7 },
    gets: refused(400, "name is not a string"),
  },
  { of: make, says: "a misspelt argument", body: { netblok: "10.0.0.0/24" }, gets: refused(400, /netblock/) },
  {
    of: make,
    says: "no token",
    as: null,
    body: { netblock: "10.0.0.0/24" },
    gets: refused(401, "Missing Authorization Header"),
  },
];

const shows: Row[] = [
  {
    of: list,
    says: "one's own",
    gets: json(
      listOf(
        listedNetwork({
          name: anything,
          netblock: text(/^10\./),
          provide_dhcp: anything,
          provide_nat: anything,
          floating_gateway: anything,
        }),
        4,
      ),
    ),
  },
  { of: list, says: "no others", gets: json(without(objectWith({ uuid: "{network_b}" }))) },
  {
    of: list,
    says: "for system all",
    as: "system",
    gets: json(listWith(objectWith({ uuid: "{network}" }), objectWith({ uuid: "{network_b}" }))),
  },
  {
    of: list,
    says: "never the floating one",
    as: "system",
    body: { all: true },
    gets: json(without(FLOATING)),
  },
  { of: list, says: "no token", as: null, gets: refused(401, "Missing Authorization Header") },
  {
    of: show,
    says: "by UUID",
    gets: json(
      network({ uuid: "{network}", provide_dhcp: false, provide_nat: true, floating_gateway: GATEWAY }),
    ),
  },
  {
    of: show,
    says: "by name",
    ask: "GET /networks/net",
    gets: json(
      network({ uuid: "{network}", provide_dhcp: false, provide_nat: true, floating_gateway: GATEWAY }),
    ),
  },
  {
    of: show,
    says: "by a name that two have",
    ask: "GET /networks/twin",
    gets: refused(400, /^network name 'twin' is ambiguous, use one of: [\da-f-]{36}, [\da-f-]{36}$/),
  },
  {
    of: show,
    says: "to system",
    as: "system",
    gets: json(
      network({ uuid: "{network}", provide_dhcp: false, provide_nat: true, floating_gateway: GATEWAY }),
    ),
  },
  { of: show, says: "not to others", as: "b", gets: NOT_FOUND },
  { of: show, says: "not to others by name", as: "b", ask: "GET /networks/net", gets: NOT_FOUND },
  { of: show, says: "no such one", ask: "GET /networks/{nowhere}", gets: NOT_FOUND },
  {
    of: show,
    says: "the floating one is not for a namespace",
    ask: "GET /networks/floating",
    gets: NOT_FOUND,
  },
  {
    of: show,
    says: "the floating one, to system",
    as: "system",
    ask: "GET /networks/floating",
    gets: json(
      network({
        uuid: "floating",
        name: anything,
        namespace: null,
        netblock: "192.168.20.0/24",
        provide_dhcp: anything,
        provide_nat: anything,
        vxid: 0,
        state: text(/^(initial|created)$/),
        state_updated: anything,
      }),
    ),
  },
  {
    of: "DELETE /networks/[network_ref]",
    says: "the floating one",
    as: "system",
    ask: "DELETE /networks/floating",
    gets: refused(403, "you cannot delete the floating network"),
  },
  {
    of: "DELETE /networks/[network_ref]",
    says: "no such one",
    ask: "DELETE /networks/{nowhere}",
    gets: NOT_FOUND,
  },
  { of: "DELETE /networks/[network_ref]", says: "others'", as: "b", gets: NOT_FOUND },
  { of: "GET /networks/[network_ref]/interfaces", says: "none yet", gets: json([]) },
  { of: "GET /networks/[network_ref]/interfaces", says: "others'", as: "b", gets: NOT_FOUND },
  {
    of: "GET /networks/[network_ref]/events",
    says: "what happened",
    soon: true,
    gets: json(listWith(event("network", "{network}", { operation: "api", phase: "create" }))),
  },
  {
    of: "GET /networks/[network_ref]/events",
    says: "every field",
    gets: json(listOf(event("network", "{network}"))),
  },
  { of: "GET /networks/[network_ref]/events", says: "others'", as: "b", gets: NOT_FOUND },
];

const remove = "DELETE /networks/[network_ref]";
/** Once nothing is on them. */
export const networkDeletions: Row[] = [
  { of: remove, says: "one that is free, by name", ask: "DELETE /networks/{twin_one}", gets: nothing },
  {
    of: show,
    says: "one that is deleted",
    ask: "GET /networks/{twin_one}",
    gets: json(network({ uuid: "{twin_one}", netblock: "10.1.0.0/29", name: "twin", state: "deleted" })),
  },
  {
    of: show,
    says: "the name of a deleted one is free",
    ask: "GET /networks/twin",
    gets: json(network({ uuid: "{twin_two}", netblock: "10.1.0.0/29", name: "twin" })),
  },
  { of: remove, says: "one that is deleted", ask: "DELETE /networks/{twin_one}", gets: NOT_FOUND },
  { of: list, says: "deleted ones are left out", gets: json(without(objectWith({ uuid: "{twin_one}" }))) },
  {
    of: list,
    says: "but with all, for any true value",
    body: { all: "yes" },
    gets: json(
      listWith(
        listedNetwork({ uuid: "{twin_one}", netblock: "10.1.0.0/29", name: "twin", state: "deleted" }),
      ),
    ),
  },
];

export const networks = [...creates, ...shows];

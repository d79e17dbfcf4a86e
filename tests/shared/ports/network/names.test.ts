// Link names and blocks.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as names from "#shared/ports/network/names.ts";
import { parseNetblock } from "#shared/ports/network/netblock.ts";

test("names: every link name fits the kernel's 15 characters (fault 25)", () => {
  const makers = [names.vxlanLink, names.bridgeLink, names.routerOuter, names.routerInner, names.egressOuter];
  for (const make of makers) assert.ok(make(999_999).length <= 15);
  assert.equal(names.physicalBridge("enp0s31f6abc"), "phy-br-enp0s31f");
  assert.equal(names.physicalBridge("eth0"), "phy-br-eth0");
});

test("vxidOfLink: knows ours only", () => {
  assert.equal(names.vxidOfLink("br-vxlan-12"), 12);
  assert.equal(names.vxidOfLink("phy-7-o"), 7);
  for (const other of ["vxlan-", "vxlan-0", "vxlan-1x", "br-vxlan-01", "phy-br-eth0", "veth-1-i", "eth0"])
    assert.equal(names.vxidOfLink(other), undefined, other);
});

test("parseNetblock: router, mask and first address, host bits cut off", () => {
  assert.deepEqual(parseNetblock("10.1.2.9/29"), {
    cidr: "10.1.2.8/29",
    prefix: 29,
    mask: "255.255.255.248",
    router: "10.1.2.9",
    first: "10.1.2.10",
  });
  assert.equal(parseNetblock("10.0.0.0/8").mask, "255.0.0.0");
  for (const bad of ["10.0.0.0", "10.0.0.0/31", "10.0.0.0/33", "fe80::/64", "10.0.0.0/x", "10.0.0/24"])
    assert.throws(() => parseNetblock(bad), /not an IPv4 block/, bad);
});

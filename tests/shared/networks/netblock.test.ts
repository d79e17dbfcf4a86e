import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import {
  isUsable,
  netmaskOf,
  parseNetblock,
  routerOf,
  toAddress,
  toNumber,
} from "#shared/networks/netblock.ts";

describe("netblock", () => {
  it("parseNetblock: knows both ends, the mask and the router", () => {
    const block = parseNetblock("10.0.4.0/22");
    assert.deepEqual([toAddress(block.first), toAddress(block.last)], ["10.0.4.0", "10.0.7.255"]);
    assert.deepEqual([netmaskOf(block), routerOf(block)], ["255.255.252.0", "10.0.4.1"]);
    assert.equal(netmaskOf(parseNetblock("240.0.0.0/8")), "255.0.0.0");
  });

  it("isUsable: neither the network's, the router's nor the broadcast address", () => {
    const block = parseNetblock("192.168.1.248/29");
    const usable = Array.from({ length: 10 }, (_, index) => `192.168.1.${247 + index}`);
    assert.deepEqual(
      usable.filter((address) => isUsable(block, address)),
      [250, 251, 252, 253, 254].map((last) => `192.168.1.${last}`),
    );
    for (const bad of ["", "192.168.1.0250", "192.168.1.250 ", "::1", "192.168.1"])
      assert.equal(isUsable(block, bad), false, bad);
  });

  it("toAddress: is the way back from toNumber", () => {
    for (const address of ["0.0.0.0", "10.0.0.1", "172.31.255.254", "255.255.255.255"])
      assert.equal(toAddress(toNumber(address)), address);
  });
});

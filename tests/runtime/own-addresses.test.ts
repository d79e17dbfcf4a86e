import { strict as assert } from "node:assert";
import { it } from "node:test";
import { nodeKey } from "#shared/nodes/record.ts";
import { put } from "#shared/ports/store/store.ts";
import { ownAddresses } from "../../runtime/own-addresses.ts";
import { fakeCloud } from "../support/fake-cloud.ts";

it("ownAddresses: are those of all nodes, of this host, and of etcd's members by number or name", async (t) => {
  const hosts = "8.8.4.4:2379,[2606:4700::1]:2379,localhost:2379,nosuch..invalid:2379";
  const f = await fakeCloud({ config: { ETCD_HOSTS: hosts } });
  t.after(() => f.close());
  const { store, config } = f.cloud;
  const other = { name: "sf-2", ip: "8.8.8.8", version: "1", lastseen: 0 };
  await store.commit([put(nodeKey("sf-2"), other)]);
  const own = await ownAddresses(store, config);
  for (const address of ["10.255.0.1", "8.8.8.8", "8.8.4.4", "2606:4700::1", "127.0.0.1"])
    assert.ok(own.includes(address), `${address} in ${own.join(", ")}`);
});

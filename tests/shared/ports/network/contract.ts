// What every network port must do. The factory gives a port and a plan maker that suits it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { isKind } from "#shared/errors.ts";
import type { Network, NetworkPlan, NodeLinks } from "#shared/ports/network/network.ts";

export interface NetworkSubject {
  network: Network;
  node: NodeLinks;
}

export function aPlan(vxid: number, changes: Partial<NetworkPlan> = {}): NetworkPlan {
  return {
    uuid: `00000000-0000-4000-8000-${String(vxid).padStart(12, "0")}`,
    vxid,
    netblock: "192.168.242.0/24",
    mtu: 1450,
    mesh: [],
    taps: [],
    ...changes,
  };
}

export function networkContract(name: string, open: () => Promise<NetworkSubject>): void {
  describe(`${name} network`, () => {
    let subject: NetworkSubject;
    before(async () => {
      subject = await open();
    });
    after(() => subject.network.removeNode(subject.node));

    test("underlayMtu: answers with bytes", async () => {
      assert.ok((await subject.network.underlayMtu()) >= 1280);
    });

    test("ensureNode: says what it made, then nothing", async () => {
      assert.notDeepEqual(await subject.network.ensureNode(subject.node), []);
      assert.deepEqual(await subject.network.ensureNode(subject.node), []);
    });

    test("ensure: says what it made, then nothing", async () => {
      const plan = aPlan(1, { mesh: ["10.99.0.2"], gateway: { floating: [] } });
      const mended = await subject.network.ensure(plan);
      assert.ok(mended.includes("create br-vxlan-1") && mended.includes("create vxlan-1"), String(mended));
      assert.ok(mended.includes("add mesh elements: 10.99.0.2"), String(mended));
      assert.deepEqual(await subject.network.ensure(plan), []);
    });

    test("ensure: a changed mesh says what was added and removed", async () => {
      const plan = aPlan(1, { mesh: ["10.99.0.3", "10.99.0.4"], gateway: { floating: [] } });
      assert.deepEqual(await subject.network.ensure(plan), [
        "add mesh elements: 10.99.0.3 10.99.0.4",
        "remove mesh elements: 10.99.0.2",
      ]);
    });

    test("ensure: two calls at once do no harm", async () => {
      const plan = aPlan(3);
      const [first, second] = await Promise.all([subject.network.ensure(plan), subject.network.ensure(plan)]);
      assert.notDeepEqual(first, []);
      assert.deepEqual(second, []);
    });

    test("list: has every network with its uuid", async () => {
      const found = await subject.network.list();
      const wanted = [aPlan(1), aPlan(3)].map(({ uuid, vxid }) => ({ vxid, uuid }));
      assert.deepEqual(
        found.toSorted((a, b) => a.vxid - b.vxid),
        wanted,
      );
    });

    test("ensure: refuses values that could mean something else to another program (faults 1, 3)", async () => {
      const bad: Partial<NetworkPlan>[] = [
        { uuid: "../../etc" },
        { vxid: 0 },
        { netblock: "192.168.1.0/24; flush ruleset" },
        { mesh: ["10.0.0.1\nlink delete eth0"] },
        { gateway: { floating: [{ address: "1.2.3.4", inner: "x" }] } },
        { gateway: dhcpFor({ macaddr: "02:00:00:00:00:01,set:x" }) },
        { gateway: dhcpFor({ name: "a\nb" }) },
        { gateway: dhcpFor({ name: "a,10.0.0.1" }) },
      ];
      for (const changes of bad) {
        const ensuring = subject.network.ensure(aPlan(9, changes));
        await assert.rejects(ensuring, (error) => isKind(error, "malformed"), JSON.stringify(changes));
      }
    });

    test("remove: takes it off the list and may be repeated", async () => {
      for (const plan of [aPlan(1), aPlan(3), aPlan(1)]) await subject.network.remove(plan);
      assert.deepEqual(await subject.network.list(), []);
    });
  });
}

function dhcpFor(changes: object): NonNullable<NetworkPlan["gateway"]> {
  const host = { macaddr: "02:00:00:00:00:01", name: "one", address: "192.168.242.5", ...changes };
  return { dhcp: { domain: "shaken", dns: [], hosts: [host] }, floating: [] };
}

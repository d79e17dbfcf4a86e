import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { parseDiskstats, parseMeminfo, parseNetDev } from "#shared/nodes/kernel.ts";
import { collectMetrics } from "#shared/nodes/metrics.ts";
import { publishMetrics } from "#shared/nodes/publish.ts";
import { fakeCloud, small } from "../../support/fake-cloud.ts";

const NAMES = [
  ...["cpu_max", "cpu_available", "cpu_max_per_instance", "cpu_load_1", "cpu_load_5", "cpu_load_15"],
  ...["cpu_total_instance_vcpus", "cpu_total_instance_cpu_time", "memory_max", "memory_available"],
  ...["memory_max_libvirt", "memory_available_libvirt", "memory_total_instance_max"],
  ...["memory_total_instance_actual", "disk_total", "disk_free", "disk_used", "disk_read_bytes"],
  ...["disk_write_bytes", "network_read_bytes", "network_write_bytes", "instances_total"],
  ...["instances_active", "node_queue_processing", "node_queue_waiting"],
  ...["network_guest_mtu"],
];

describe("metrics of a node", () => {
  it("all names that clients know: are there, as numbers; the network's queue on the network node", async (t) => {
    const f = await fakeCloud({ works: false, config: { API_ASYNC_WAIT: "0" } });
    t.after(() => f.close());
    const other = await fakeCloud({
      ...{ memory: f.memory, node: { name: "sf-2", ip: "10.255.0.2" } },
      config: { NETWORK_NODE_IP: "10.255.0.1" },
    });
    t.after(() => other.close());
    await f.call("POST", "/instances", small({ placed_on: "sf-1" }));
    const metrics = await collectMetrics(f.cloud, assert.fail);
    const names = Object.keys(metrics).filter((name) => !name.startsWith("memory_ksm_"));
    assert.deepEqual(names.sort(), [...NAMES, "network_queue_processing", "network_queue_waiting"].sort());
    for (const [name, value] of Object.entries(metrics))
      assert.ok(Number.isFinite(value) && value >= 0, name);
    assert.equal(metrics.node_queue_waiting, 1);
    assert.ok((metrics.memory_available ?? 0) <= (metrics.memory_max ?? 0));
    const elsewhere = Object.keys(await collectMetrics(other.cloud, assert.fail));
    assert.deepEqual(
      elsewhere.filter((name) => name.startsWith("network_queue")),
      [],
    );
  });

  it("a source that fails: costs its own names and no others (fault 71)", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    f.hypervisor.goAway();
    const failed: string[] = [];
    const metrics = await collectMetrics(f.cloud, (source, why) => failed.push(`${source}: ${why}`));
    assert.deepEqual(failed, ["guests: libvirt: the fake is away"]);
    const missing = NAMES.filter((name) => metrics[name] === undefined);
    assert.deepEqual(
      missing,
      NAMES.filter((name) => /_instance_(?!.*per)|^instances_/.test(name)),
    );
    await publishMetrics(f.cloud, () => false);
    const { metrics: shown } = await f.call<{ metrics: object }>("GET", "/nodes/sf-1");
    assert.deepEqual(Object.keys(shown).sort(), [...Object.keys(metrics), "updated_at"].sort());
  });

  it("publishing: whoever asks while another waits is served by it", async (t) => {
    const f = await fakeCloud();
    t.after(() => f.close());
    let count = 0;
    const once = () => {
      count += 1;
      return false;
    };
    await Promise.all(Array.from({ length: 20 }, () => publishMetrics(f.cloud, once)));
    assert.equal(count, 1);
  });
});

describe("what the kernel tells", () => {
  it("meminfo: numbers by name", () => {
    const found = parseMeminfo("MemTotal:       65536 kB\nHugePages_Total:       0\nMemFree: 1 kB\n");
    assert.deepEqual([found.get("MemTotal"), found.get("MemFree"), found.get("nope")], [65536, 1, undefined]);
  });

  it("diskstats: whole disks alone, in bytes", () => {
    const line = (name: string) => `   8       0 ${name} 10 0 4 0 20 0 6 0 0 0 0 0 0 0 0 0`;
    const names = ["sda", "sda1", "nvme0n1", "nvme0n1p1", "vdb", "loop0", "dm-0", "zram0", "ram0", "sr0"];
    assert.deepEqual(parseDiskstats(names.map(line).join("\n")), [3 * 4 * 512, 3 * 6 * 512]);
  });

  it("net/dev: all but the loopback", () => {
    const text = [
      "Inter-|   Receive                    |  Transmit",
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets",
      "    lo: 9000 1 0 0 0 0 0 0 9000 1 0 0 0 0 0 0",
      "  eth0:100 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0",
      "br-vxlan-1: 20 1 0 0 0 0 0 0 3 1 0 0 0 0 0 0",
    ].join("\n");
    assert.deepEqual(parseNetDev(text), [120, 10]);
  });
});

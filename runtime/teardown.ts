// Takes down what a stopped node left running on this machine: its guests, networks and rules. Only what the store knows.
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "#shared/clock.ts";
import type { Config } from "#shared/config.ts";
import { CloudError } from "#shared/errors.ts";
import { INSTANCES, type InstanceRecord } from "#shared/instances/record.ts";
import type { Log } from "#shared/log.ts";
import { NETWORKS, type NetworkRecord } from "#shared/networks/record.ts";
import { NODES, type NodeRecord } from "#shared/nodes/record.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { openLibvirt } from "#shared/ports/hypervisor/libvirt.ts";
import { openLinuxNetwork } from "#shared/ports/network/linux.ts";
import type { Store } from "#shared/ports/store/store.ts";
import { openTemplates } from "#shared/render.ts";
import { openNodeStore } from "./node.ts";
import { TEMPLATES } from "./root.ts";

/** The records are the whole cloud's: with other nodes they are not this one's to remove. */
function requireAlone(store: Store): void {
  const nodes = store.mirror.list<NodeRecord>(NODES).map(({ value }) => value.name);
  if (nodes.length > 1)
    throw new CloudError(
      "conflict",
      `--purge would remove the records of ${nodes.join(", ")}: take the others out first with sf-client node remove, or leave out --purge`,
    );
}

/** With `purge` the definitions, the files and the records go too. Safe to repeat. */
export async function tearDown(config: Config, log: Log, purge: boolean): Promise<void> {
  const store = await openNodeStore(config, "teardown", log);
  const hypervisor = openLibvirt({ uri: config.LIBVIRT_URI, clock: systemClock, log });
  const templates = openTemplates([TEMPLATES]);
  const network = openLinuxNetwork({
    exec: realExec,
    egress_nic: config.NODE_EGRESS_NIC,
    node_address: config.NODE_IP,
    storage_path: config.STORAGE_PATH,
    render: (name, values) => templates.render(name, values),
    log,
  });
  try {
    if (purge) requireAlone(store);
    for (const { value } of store.mirror.list<InstanceRecord>(INSTANCES)) {
      await hypervisor.powerOff(value.uuid);
      if (!purge) continue;
      await hypervisor.undefine(value.uuid);
      await hypervisor.removeLogs(value.uuid);
    }
    for (const { value } of store.mirror.list<NetworkRecord>(NETWORKS)) await network.remove(value);
    await network.removeNode({
      egress_nic: config.NODE_EGRESS_NIC,
      floating_netblock: config.FLOATING_NETWORK,
    });
    if (!purge) return;
    for (const name of ["instances", "image_cache", "snapshots", "dhcp", "installation"]) {
      await rm(join(config.STORAGE_PATH, name), { recursive: true, force: true });
    }
    // Goes with the last of ours; what somebody else put there keeps it.
    await rmdir(config.STORAGE_PATH).catch(() => undefined);
    await store.clear("");
  } finally {
    await hypervisor.close();
    await store.close();
  }
}

// Everything of ours that is on the nodes of a test cluster and in its store, for comparing before and after.
import type { TestCluster } from "./cluster.ts";
import { livingKeys } from "./inventory.ts";

/** What stays of instances that were there once: a claim of nothing, and the mark that a network had users. */
const KEPT = /^claim\/.*\{"cpus":0,"memory_mib":0,"disk_gib":0\}$|^network-users\//;
const OURS = /^((br-)?vxlan-|veth-|phy-\d|sf-)[\w-]*/;
const STORAGE = "/srv/shakenfist";

/** By node: domains, links and namespaces of networks, and files of instances; under `keys` what the store holds of the living. */
export async function takeClusterInventory(
  cluster: TestCluster,
  nodes: readonly string[],
): Promise<Record<string, string[]>> {
  const keys = await livingKeys(cluster.store);
  const found: Record<string, string[]> = { keys: keys.filter((key) => !KEPT.test(key)) };
  for (const node of nodes) {
    const lines = async (...argv: string[]) => (await cluster.exec(node, argv)).split("\n");
    const domains = await lines("virsh", "-q", "list", "--all", "--name");
    const links = (await lines("ip", "-brief", "link")).flatMap((line) => OURS.exec(line)?.[0] ?? []);
    const namespaces = await lines("ip", "netns", "list");
    const files = await lines(
      "find",
      `${STORAGE}/instances`,
      `${STORAGE}/dhcp`,
      "-type",
      "f",
      "!",
      "-name",
      "console.log*",
    );
    found[node] = [...domains, ...links, ...namespaces, ...files].filter((line) => line.trim() !== "").sort();
  }
  return found;
}

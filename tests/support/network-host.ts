// A node's surroundings for tests of the network port, inside a sandbox: an egress interface, and behind it an outside
// world that knows the way back to the floating block.
import { fileURLToPath } from "node:url";
import { silentLog } from "#shared/log.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { openLinuxNetwork } from "#shared/ports/network/linux.ts";
import type { Network, NodeLinks } from "#shared/ports/network/network.ts";
import { openTemplates } from "#shared/render.ts";

export const NODE_ADDRESS = "10.99.0.1";
export const OUTSIDE_ADDRESS = "10.99.0.2";
export const OUTSIDE = "outside";
export const FLOATING_BLOCK = "192.168.20.0/24";
export const STORAGE = "/srv/shakenfist";

export async function openOutside(nic: string): Promise<void> {
  await ip([
    `netns add ${OUTSIDE}`,
    `link add ${nic} type veth peer name eth0 netns ${OUTSIDE}`,
    `address add ${NODE_ADDRESS}/24 dev ${nic}`,
    `link set ${nic} up`,
  ]);
  await ip(
    [
      "link set lo up",
      `address add ${OUTSIDE_ADDRESS}/24 dev eth0`,
      "link set eth0 up",
      `route add ${FLOATING_BLOCK} via ${NODE_ADDRESS}`,
    ],
    OUTSIDE,
  );
}

export function openNetwork(nic: string): { network: Network; node: NodeLinks } {
  const { render } = openTemplates([fileURLToPath(new URL("../../templates", import.meta.url))]);
  const network = openLinuxNetwork({
    exec: realExec,
    egress_nic: nic,
    node_address: NODE_ADDRESS,
    storage_path: STORAGE,
    render,
    log: silentLog,
  });
  return { network, node: { egress_nic: nic, floating_netblock: FLOATING_BLOCK } };
}

/** Lines for `ip -batch`. */
export async function ip(lines: readonly string[], namespace?: string): Promise<void> {
  const args = namespace === undefined ? [] : ["-netns", namespace];
  await realExec.run("ip", [...args, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** Whether a ping from the namespace is answered; give 1 attempt where none should be. */
export async function pings(namespace: string, address: string, attempts = 3): Promise<boolean> {
  const args = ["ping", "-c", "1", "-W", "1", address];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { code } = await realExec.run("busybox", args, { namespace, accept: [0, 1, 2] });
    if (code === 0) return true;
  }
  return false;
}

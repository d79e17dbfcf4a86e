// The config drive: the ISO 9660 disk labelled config-2 from which cloud-init in the guest reads names, keys, addresses
// and user data. The layout is OpenStack's.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { placeFile } from "../images/place.ts";
import { netmaskOf, parseNetblock, routerOf } from "../networks/netblock.ts";
import type { Exec } from "../ports/exec/exec.ts";

const versions = ["latest", "2017-02-22"];

export interface ConfigDriveInput {
  instance: {
    uuid: string;
    name: string;
    ssh_key: string | null;
    /** Base64. */
    user_data: string | null;
  };
  /** In the order of the request: the first has the default route. */
  interfaces: readonly ConfigDriveInterface[];
  zone: string;
  /** Address of the name server. */
  dns: string;
  /** Base64 of 512 random bytes. */
  random_seed: string;
}

export interface ConfigDriveInterface {
  uuid: string;
  order: number;
  macaddr: string;
  ipv4: string;
  network: { uuid: string; netblock: string; mtu: number };
}

/** Content by path, from the root of the drive. */
export function configDriveFiles(input: ConfigDriveInput): Map<string, string | Buffer> {
  const user_data = Buffer.from(input.instance.user_data ?? "", "base64");
  const files: [string, string | Buffer][] = [
    ["meta_data.json", JSON.stringify(metaData(input))],
    ["network_data.json", JSON.stringify(networkData(input))],
    ["vendor_data.json", "{}"],
    ["vendor_data2.json", "{}"],
  ];
  if (user_data.length > 0) files.push(["user_data", user_data]);
  return new Map(
    versions.flatMap((version) => files.map(([name, content]) => [`/openstack/${version}/${name}`, content])),
  );
}

function metaData({ instance, zone, random_seed }: ConfigDriveInput): object {
  return {
    random_seed,
    uuid: instance.uuid,
    availability_zone: zone,
    hostname: `${instance.name}.local`,
    launch_index: 0,
    devices: [],
    project_id: null,
    name: instance.name,
    public_keys: { mykey: instance.ssh_key },
  };
}

function networkData({ interfaces, dns }: ConfigDriveInput): object {
  return {
    links: interfaces.map(({ uuid, order, macaddr, network }) => ({
      ethernet_mac_address: macaddr,
      id: `eth${order}`,
      name: `eth${order}`,
      mtu: network.mtu,
      type: "vif",
      vif_id: uuid,
    })),
    networks: interfaces.map((it, position) => networkOf(it, position === 0)),
    services: [{ type: "dns", address: dns }],
  };
}

function networkOf({ order, ipv4, network }: ConfigDriveInterface, is_first: boolean): object {
  const block = parseNetblock(network.netblock);
  return {
    id: network.uuid,
    network_id: network.uuid,
    link: `eth${order}`,
    type: "ipv4",
    ip_address: ipv4,
    netmask: netmaskOf(block),
    routes: is_first ? [{ network: "0.0.0.0", netmask: "0.0.0.0", gateway: routerOf(block) }] : [],
  };
}

/** Writes the ISO, replacing an older one. Names are the same in Rock Ridge and Joliet. */
export async function makeConfigDrive(
  exec: Exec,
  files: ReadonlyMap<string, string | Buffer>,
  iso_path: string,
): Promise<void> {
  const directory = `${iso_path}.tmp`;
  await rm(directory, { recursive: true, force: true });
  // User data may hold secrets: for root alone.
  await mkdir(directory, { mode: 0o700 });
  try {
    const tree = join(directory, "tree");
    for (const [path, content] of files) {
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await writeFile(join(tree, path), content);
    }
    const iso = join(directory, "iso");
    const form = ["-V", "config-2", "-iso-level", "4", "-rational-rock", "-J", "-joliet-long"];
    await exec.run("genisoimage", ["-quiet", ...form, "-o", iso, tree]);
    await placeFile(iso, iso_path, 0o600);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

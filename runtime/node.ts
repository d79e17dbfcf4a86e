// Puts a node together from the real parts and runs it until it is told to stop. The only place that picks real or fake.
import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "#shared/clock.ts";
import type { Cloud, NodeIdentity } from "#shared/cloud.ts";
import type { Config } from "#shared/config.ts";
import { CloudError } from "#shared/errors.ts";
import { openEventWriter } from "#shared/events/writer.ts";
import { openFetches } from "#shared/images/fetches.ts";
import { removeStaleWork } from "#shared/images/work-directory.ts";
import { followConsoles } from "#shared/instances/console-triggers.ts";
import { portRange } from "#shared/instances/ports.ts";
import { restoreAfterBoot } from "#shared/instances/restore.ts";
import type { Log } from "#shared/log.ts";
import { openMemo } from "#shared/memo.ts";
import { openMutex } from "#shared/mutex.ts";
import { openKeyChecker } from "#shared/namespaces/keys.ts";
import { signingSecret } from "#shared/namespaces/secret.ts";
import { openTokens } from "#shared/namespaces/tokens.ts";
import { parseNetblock } from "#shared/networks/netblock.ts";
import { keepNetworks, nodeLinks, watchNodes } from "#shared/networks/upkeep.ts";
import { watchInterfaces } from "#shared/networks/watch.ts";
import { readBoot } from "#shared/nodes/boot.ts";
import { readCapacity } from "#shared/nodes/capacity.ts";
import { readInstallation } from "#shared/nodes/installation.ts";
import { openPasses } from "#shared/nodes/passes.ts";
import { keepPresence } from "#shared/nodes/presence.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { openHttp } from "#shared/ports/http/real.ts";
import { openLibvirt } from "#shared/ports/hypervisor/libvirt.ts";
import { openLinuxNetwork } from "#shared/ports/network/linux.ts";
import { openEtcd } from "#shared/ports/store/etcd.ts";
import { readTls } from "#shared/ports/store/etcd-tls.ts";
import { openStore } from "#shared/ports/store/open.ts";
import type { Store } from "#shared/ports/store/store.ts";
import { openTemplates } from "#shared/render.ts";
import { openDispatch } from "./dispatch.ts";
import { listen } from "./listen.ts";
import { serveMetrics } from "./metrics.ts";
import { MIRRORED } from "./mirrored.ts";
import { ownAddresses } from "./own-addresses.ts";
import { openReactor } from "./reactor.ts";
import { TEMPLATES } from "./root.ts";
import { scan } from "./scan.ts";
import { openTicker } from "./ticker.ts";
import { VERSION } from "./version.ts";
import { openWorker } from "./worker.ts";

/** The built-in functions stand beside this file's directory, in source and in the build. */
const FUNCTIONS = fileURLToPath(new URL("../functions", import.meta.url));
const VXLAN_OVERHEAD = 50;
const NETWORKS_MS = 60_000;

export interface RunningNode {
  readonly name: string;
  close(): Promise<void>;
}

/** Resolves once the API answers. Rejects with CloudError, saying what is missing. */
export async function startNode(config: Config, log: Log): Promise<RunningNode> {
  const closers: (() => Promise<void> | void)[] = [];
  async function close(): Promise<void> {
    for (const closer of closers.splice(0).reverse()) await closer();
  }
  try {
    const table = await scan([FUNCTIONS, ...(config.FUNCTIONS === "" ? [] : [config.FUNCTIONS])]);
    const { cloud, emit } = await openCloud(config, log, closers, (it) => openReactor(it, table.reactions));
    // Before anything hears of the power of guests that went down with the host.
    const isNewBoot = await restoreAfterBoot(cloud, await readBoot());
    const listener = await listen(cloud, openDispatch(table));
    closers.push(() => listener.close());
    closers.push(cloud.hypervisor.onPower((event) => emit("power", event)));
    closers.push(cloud.hypervisor.onReboot((event) => emit("reboot", event)));
    closers.push(watchInterfaces(cloud, (event) => emit("interface", event)));
    closers.push(cloud.hypervisor.onReturn(() => emit("hypervisor-back", {})));
    if (isNewBoot) await carryAll(cloud);
    const worker = openWorker(cloud, table.jobs);
    closers.push(() => worker.close());
    closers.push(followConsoles(cloud, (event) => emit("console", event)));
    const ticker = openTicker(cloud, table.schedules);
    closers.push(() => ticker.close());
    closers.push(await serveMetrics(cloud));
    return { name: cloud.node.name, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Networks before guests; what cannot be carried yet the jobs of the guests and the upkeep try again. */
async function carryAll(cloud: Cloud): Promise<void> {
  try {
    await keepNetworks(cloud, AbortSignal.timeout(NETWORKS_MS));
  } catch (error) {
    cloud.log.warn({ err: error }, "networks cannot all be carried yet");
  }
}

async function openCloud(
  given: Config,
  log: Log,
  closers: (() => Promise<void> | void)[],
  react: (cloud: Cloud) => ReturnType<typeof openReactor>,
) {
  if (process.getuid?.() !== 0)
    throw new CloudError("forbidden", "a node needs root: it makes links, namespaces and guests");
  const config = { ...given, VIRT_TYPE: await virtType(given, log) };
  portRange(config.CONSOLE_PORTS);
  parseNetblock(config.FLOATING_NETWORK);
  await makeStorage(config);
  const clock = systemClock;
  const exec = realExec;
  const node: NodeIdentity = {
    name: config.NODE_NAME || (await fullName(exec)),
    ip: config.NODE_IP || nicAddress(config),
  };
  const store = await openNodeStore(config, node.name, log);
  closers.push(() => store.close());
  const templates = openTemplates([config.TEMPLATE_PATH, TEMPLATES].filter((it) => it !== ""));
  const render: Cloud["render"] = (name, values) => templates.render(name, values);
  const network = openLinuxNetwork({
    exec,
    egress_nic: config.NODE_EGRESS_NIC,
    node_address: node.ip,
    storage_path: config.STORAGE_PATH,
    render,
    log,
  });
  const mtu = (await network.underlayMtu()) - VXLAN_OVERHEAD;
  const hypervisor = openLibvirt({ uri: config.LIBVIRT_URI, clock, log });
  closers.push(() => hypervisor.close());
  const events = openEventWriter({ store, clock, log, node });
  closers.push(() => events.close());
  const presence = await keepPresence({
    ...{ store, clock, log, node, version: VERSION },
    installation: await readInstallation(config.STORAGE_PATH),
    readCapacity: () => readCapacity(config.STORAGE_PATH),
  });
  closers.push(() => presence.close());
  const secret = await signingSecret(store, config);
  const cloud: Cloud = {
    ...{
      node,
      version: VERSION,
      config,
      mtu,
      clock,
      log,
      store,
      hypervisor,
      network,
      exec,
      events,
      presence,
      render,
    },
    http: openHttp({
      allow: config.IMAGE_URL_ALLOW,
      own: () => ownAddresses(store, config),
      user_agent: `Mozilla/5.0 (Ubuntu; Linux x86_64) Shaken Fist/${VERSION}`,
    }),
    tokens: openTokens(secret),
    passes: openPasses(secret),
    keys: openKeyChecker(),
    memo: openMemo(),
    mutex: openMutex(),
    fetches: openFetches(),
  };
  await removeStaleWork(cloud);
  await network.ensureNode(nodeLinks(cloud));
  closers.push(watchNodes(cloud));
  return { cloud, emit: react(cloud) };
}

/** The store as a node opens it; for programs beside the node too. */
export async function openNodeStore(config: Config, node: string, log: Log): Promise<Store> {
  const tls = await readTls(config);
  const backend = openEtcd({ hosts: config.ETCD_HOSTS, prefix: config.ETCD_PREFIX, tls });
  return openStore({ backend, mirrored: MIRRORED, node, clock: systemClock, log });
}

async function makeStorage(config: Config): Promise<void> {
  for (const name of ["", "instances", "image_cache", "snapshots", "dhcp"]) {
    await mkdir(join(config.STORAGE_PATH, name), { recursive: true, mode: 0o755 });
  }
}

async function virtType(config: Config, log: Log): Promise<"kvm" | "qemu"> {
  if (config.VIRT_TYPE !== "auto") return config.VIRT_TYPE;
  try {
    await access("/dev/kvm", constants.R_OK | constants.W_OK);
    return "kvm";
  } catch {
    log.warn({}, "no /dev/kvm: guests are emulated, which is slow; SHAKENFIST_VIRT_TYPE=qemu silences this");
    return "qemu";
  }
}

async function fullName(exec: Cloud["exec"]): Promise<string> {
  const found = await exec.run("hostname", ["--fqdn"]).catch(() => undefined);
  return found?.stdout.trim() || hostname();
}

function nicAddress({ NODE_EGRESS_NIC: nic }: Config): string {
  const found = networkInterfaces()[nic]?.find(({ family }) => family === "IPv4");
  if (found !== undefined) return found.address;
  throw new CloudError(
    "malformed",
    `SHAKENFIST_NODE_EGRESS_NIC: '${nic}' has no IPv4 address; set it, or SHAKENFIST_NODE_IP`,
  );
}

// A whole one-node cloud inside the sandbox: etcd, libvirtd, an egress interface with a world behind it, an image server
// with the tiny guest, and a node as a process of its own that can be killed and started again.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ApiClient } from "#shared/api/client.ts";
import { systemClock } from "#shared/clock.ts";
import { silentLog } from "#shared/log.ts";
import { setKey } from "#shared/namespaces/set-key.ts";
import { openEtcd } from "#shared/ports/store/etcd.ts";
import { openStore } from "#shared/ports/store/open.ts";
import type { Store } from "#shared/ports/store/store.ts";
import { serveImage } from "../../deploy/serve-image.ts";
import { tinyGuest } from "../../deploy/tiny-guest/build.ts";
import { startEtcd, type TestEtcd } from "./etcd.ts";
import { type Libvirtd, startLibvirtd } from "./libvirtd.ts";
import { NODE_ADDRESS, openOutside } from "./network-host.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const READY_MS = 30_000;
const UPLINK = "uplink";
const KEY = "a key of the tests";

export const NODE_NAME = "sf-test";

export interface TestCloud {
  readonly etcd: TestEtcd;
  readonly libvirtd: Libvirtd;
  /** As `system`. */
  readonly api: ApiClient;
  readonly apiUrl: string;
  /** Of the namespace `system`. */
  readonly key: string;
  readonly imageUrl: string;
  readonly store: Store;
  /** The node's process; changes with each start. */
  pid(): number;
  startNode(settings?: Record<string, string>): Promise<void>;
  /** Resolves when the process is gone. */
  nodeEnd(): Promise<void>;
  stopNode(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

/** Only inside `enterSandbox`. The node's log goes to the file named by SF_TEST_LOG, if it is set. */
export async function startCloud(settings: Record<string, string> = {}): Promise<TestCloud> {
  await openOutside(UPLINK);
  const [etcd, libvirtd, guest] = await Promise.all([startEtcd(), startLibvirtd(), tinyGuest()]);
  const { url: imageUrl, server } = await serveImage(guest.image, 0);
  const backend = openEtcd({ hosts: [etcd.host], prefix: "/shakenfist" });
  const store = await openStore({ backend, mirrored: [], node: "tests", clock: systemClock, log: silentLog });
  await setKey(store, "system", "tests", KEY);
  const environment = {
    SHAKENFIST_ETCD_HOSTS: etcd.host,
    SHAKENFIST_NODE_NAME: NODE_NAME,
    SHAKENFIST_NODE_EGRESS_NIC: UPLINK,
    SHAKENFIST_VIRT_TYPE: "qemu",
    SHAKENFIST_RAM_SYSTEM_RESERVATION: "0.5",
    SHAKENFIST_IMAGE_URL_ALLOW: "127.0.0.0/8,10.99.0.0/24",
    ...settings,
  };
  const apiUrl = `http://${NODE_ADDRESS}:13000`;
  const stopParts = async () => {
    server.close();
    server.closeAllConnections();
    await store.close();
    await libvirtd.stop();
    await etcd.stop();
  };
  let node = await spawnNode(environment).catch(async (error: unknown) => {
    await stopParts();
    throw error;
  });
  return {
    etcd,
    libvirtd,
    api: new ApiClient({ url: apiUrl, namespace: "system", key: KEY }),
    apiUrl,
    key: KEY,
    imageUrl,
    store,
    pid: () => node.pid ?? 0,
    async startNode(more = {}) {
      node = await spawnNode({ ...environment, ...more });
    },
    nodeEnd: () => ended(node),
    async stopNode(signal = "SIGTERM") {
      node.kill(signal);
      await ended(node);
    },
    async stop() {
      node.kill("SIGTERM");
      await ended(node);
      await stopParts();
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** Resolves when it says that it is ready. */
async function spawnNode(environment: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, [`${ROOT}dist/node/runtime/main.js`], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const leave = () => child.kill("SIGKILL");
  process.once("exit", leave);
  child.once("exit", () => process.off("exit", leave));
  const log = process.env.SF_TEST_LOG;
  if (log !== undefined) child.stdout.pipe(createWriteStream(log, { flags: "a" }));
  // Read to the end, or the node would wait for room in the pipe.
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    const late = () => reject(new Error(`the node ended, or was not ready within ${READY_MS / 1000} s`));
    const timer = setTimeout(late, READY_MS);
    child.once("exit", late);
    lines.on("line", (line) => {
      if (!line.includes('"msg":"ready"')) return;
      clearTimeout(timer);
      child.off("exit", late);
      lines.close();
      child.stdout.resume();
      resolve();
    });
  });
  return child;
}

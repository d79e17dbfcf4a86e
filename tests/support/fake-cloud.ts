// A whole cloud of one node without a machine below it: the runtime and the domain are real, the ports are fakes. Several
// nodes of one cloud share a `memory`.
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "#shared/clock.ts";
import type { Cloud, NodeIdentity } from "#shared/cloud.ts";
import { readConfig } from "#shared/config.ts";
import { openEventWriter } from "#shared/events/writer.ts";
import { openFetches } from "#shared/images/fetches.ts";
import { restoreAfterBoot } from "#shared/instances/restore.ts";
import { jobPrefix } from "#shared/jobs.ts";
import { type Log, silentLog } from "#shared/log.ts";
import { openMemo } from "#shared/memo.ts";
import { openMutex } from "#shared/mutex.ts";
import { openKeyChecker } from "#shared/namespaces/keys.ts";
import { keyKey, namespaceKey } from "#shared/namespaces/record.ts";
import { setKey } from "#shared/namespaces/set-key.ts";
import { openTokens } from "#shared/namespaces/tokens.ts";
import { watchInterfaces } from "#shared/networks/watch.ts";
import { openPasses } from "#shared/nodes/passes.ts";
import { keepPresence } from "#shared/nodes/presence.ts";
import type { Capacity } from "#shared/nodes/record.ts";
import { type FakeExec, fakeExec } from "#shared/ports/exec/fake.ts";
import { type FakeHttp, openFakeHttp } from "#shared/ports/http/fake.ts";
import { type FakeHypervisor, openFakeHypervisor } from "#shared/ports/hypervisor/fake.ts";
import { type MemoryNetwork, memoryNetwork } from "#shared/ports/network/memory.ts";
import type { Backend } from "#shared/ports/store/backend.ts";
import { Memory } from "#shared/ports/store/memory.ts";
import { openStore } from "#shared/ports/store/open.ts";
import { put } from "#shared/ports/store/store.ts";
import { openTemplates } from "#shared/render.ts";
import type { JobFunction } from "../../runtime/define.ts";
import { type Dispatch, openDispatch } from "../../runtime/dispatch.ts";
import { MIRRORED } from "../../runtime/mirrored.ts";
import { openReactor } from "../../runtime/reactor.ts";
import { TEMPLATES } from "../../runtime/root.ts";
import { openRouter } from "../../runtime/router.ts";
import { type Named, type Route, scan, type Table } from "../../runtime/scan.ts";
import { openWorker } from "../../runtime/worker.ts";
import { PLENTY } from "./capacity.ts";
import { collect } from "./collect.ts";
import { requireDeclared } from "./declared.ts";
import { scriptPrograms } from "./fake-programs.ts";
import { type FakeClock, hastyClock } from "./hasty-clock.ts";

const FUNCTIONS = fileURLToPath(new URL("../../functions", import.meta.url));
const PATIENCE_MS = 10_000;

/** Of the namespace `system`. */
export const SYSTEM_KEY = "the key of system";
export const VERSION = "0.0.0-test";

export interface FakeCloudOptions {
  /** Settings by their names without the prefix. */
  config?: Readonly<Record<string, string>>;
  memory?: Memory;
  /** A store of another kind than `memory`: `everything` does not see it. */
  backend?: () => Backend;
  node?: NodeIdentity;
  capacity?: Capacity;
  log?: Log;
  /** False for a node that leaves its jobs lying. */
  works?: boolean;
  /** Beside the built-in ones. */
  routes?: readonly Route[];
  jobs?: readonly Named<JobFunction>[];
}

export interface Asked {
  status: number;
  type: string;
  headers: Record<string, string>;
  text: string;
  /** Of a JSON answer. */
  body: unknown;
}

/** As whom a request is made: a namespace, made where it is missing; null for nobody. */
export type As = string | null;

export interface FakeCloud {
  readonly cloud: Cloud;
  readonly clock: FakeClock;
  readonly table: Table;
  readonly dispatch: Dispatch;
  readonly memory: Memory;
  readonly hypervisor: FakeHypervisor;
  readonly network: MemoryNetwork;
  readonly exec: FakeExec;
  readonly http: FakeHttp;
  /** Through dispatch; a string as the body is sent as it is. */
  ask(method: string, path: string, body?: unknown, as?: As): Promise<Asked>;
  /** As `ask`, for what must succeed: the answer's body. */
  call<T>(method: string, path: string, body?: unknown, as?: As): Promise<T>;
  /** The value of an Authorization header. */
  authorization(namespace: string): Promise<string>;
  /** Everything in the store but the events and what nodes say of themselves, by key. */
  everything(): Map<string, unknown>;
  value<T>(key: string): T;
  /** Resolves when no job of this node is left. */
  idle(): Promise<void>;
  /** The node process ends and another begins: same store, same machine. */
  restart(config?: Readonly<Record<string, string>>, works?: boolean): Promise<FakeCloud>;
  /** The machine loses its power and starts again: guests are off, links are gone, disks are there. */
  reboot(changed?: Pick<FakeCloudOptions, "config" | "works">): Promise<FakeCloud>;
  close(): Promise<void>;
}

/** Of a key that no test knows, cheap to check. */
const SOME_HASH =
  "$argon2id$v=19$m=8,t=1,p=1$Ysjx//tj7SXno8IU5BKMHw$mzR9uHvM+SLyopkV2S+nDhjw7JhYxp+PzcfCLkmI2xI";

const FIRST_NODE: NodeIdentity = { name: "sf-1", ip: "10.255.0.1" };

interface Machine {
  /** Another after each loss of power. */
  boot: string;
  directory: string;
  hypervisor: FakeHypervisor;
  network: MemoryNetwork;
  exec: FakeExec;
  http: FakeHttp;
}

export async function fakeCloud(options: FakeCloudOptions = {}): Promise<FakeCloud> {
  // Files that are made safe against a loss of power cost nothing in memory.
  const directory = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "sf-fake-cloud-"));
  await Promise.all(["instances", "image_cache"].map((name) => mkdir(join(directory, name))));
  const exec = fakeExec();
  scriptPrograms(exec);
  const machine = {
    boot: "boot 1",
    directory,
    exec,
    hypervisor: openFakeHypervisor(),
    network: memoryNetwork(),
    http: openFakeHttp(),
  };
  return startNode(machine, { memory: new Memory(), ...options });
}

async function startNode(
  machine: Machine,
  options: FakeCloudOptions & { memory: Memory },
): Promise<FakeCloud> {
  const { memory, log = silentLog, node = FIRST_NODE } = options;
  const { directory, exec, hypervisor, network, http } = machine;
  const { config } = readConfig({
    SHAKENFIST_STORAGE_PATH: directory,
    SHAKENFIST_VIRT_TYPE: "qemu",
    SHAKENFIST_API_ASYNC_WAIT: "5",
    ...prefixed(options.config ?? {}),
  });
  const clock = hastyClock();
  const backend = options.backend?.() ?? memory.connect({ deadline_ms: 100 });
  const opening = { backend, mirrored: MIRRORED, node: node.name, clock: systemClock, log };
  const store = await openStore({ ...opening, deadline_ms: 1000 });
  const events = openEventWriter({ store, clock, log, node });
  const presence = await keepPresence({
    ...{ store, clock, log, node, version: VERSION, installation: directory },
    readCapacity: async () => options.capacity ?? PLENTY,
  }).catch(async (error: unknown) => {
    await Promise.all([store.close(), rm(directory, { recursive: true, force: true })]);
    throw error;
  });
  const templates = openTemplates([TEMPLATES]);
  const cloud: Cloud = {
    ...{ node, version: VERSION, config, mtu: 1450, clock, log, store, hypervisor, network, exec, http },
    ...{
      events,
      presence,
      tokens: openTokens("a secret of the tests"),
      passes: openPasses("a secret of the tests"),
      keys: openKeyChecker(),
    },
    mutex: openMutex(),
    fetches: openFetches(),
    memo: openMemo(),
    render: (name, values) => templates.render(name, values),
  };
  if ((await store.get(namespaceKey("system"))) === undefined)
    await setKey(store, "system", "tests", SYSTEM_KEY);
  const table = await scan([FUNCTIONS]);
  const routeOf = openRouter(table.routes.map((route) => ({ ...route, target: route })));
  table.routes.push(...(options.routes ?? []));
  table.jobs.push(...(options.jobs ?? []));
  const dispatch = openDispatch(table);
  const emit = openReactor(cloud, table.reactions);
  const unlisten = [
    hypervisor.onPower((event) => emit("power", event)),
    hypervisor.onReboot((event) => emit("reboot", event)),
    watchInterfaces(cloud, (event) => emit("interface", event)),
    hypervisor.onReturn(() => emit("hypervisor-back", {})),
  ];
  await restoreAfterBoot(cloud, machine.boot);
  const worker = options.works === false ? undefined : openWorker(cloud, table.jobs);

  async function stop(): Promise<void> {
    for (const each of unlisten) each();
    await worker?.close();
    await events.close();
    await presence.close();
    await store.close();
  }

  async function ask(method: string, path: string, body?: unknown, as: As = "system"): Promise<Asked> {
    const answer = await dispatch(cloud, {
      method,
      path,
      ...(as === null ? {} : { authorization: await authorization(as) }),
      body: typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body),
      id: "request-1",
    });
    const text = String(await collect(answer.body));
    const isJson = answer.type === "application/json";
    const matched = await Promise.resolve(routeOf(method, path)).catch(() => undefined);
    if (answer.status === 200 && typeof matched === "object")
      requireDeclared(matched.target, answer.type, text);
    return {
      status: answer.status,
      type: answer.type,
      headers: answer.headers ?? {},
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  }

  async function authorization(namespace: string): Promise<string> {
    const known = { name: "fake", hash: SOME_HASH, id: `of ${namespace}` };
    const key = keyKey(namespace, known.name);
    if (store.mirror.get(key) === undefined) {
      const made = { name: namespace, metadata: {} };
      const missing = store.mirror.get(namespaceKey(namespace)) === undefined;
      await store.commit([...(missing ? [put(namespaceKey(namespace), made)] : []), put(key, known)]);
    }
    return `Bearer ${cloud.tokens.issue(namespace, known)}`;
  }

  async function idle(): Promise<void> {
    const prefix = jobPrefix(node.name);
    const isIdle = () => store.mirror.list(prefix).length === 0 || undefined;
    const done = await store.mirror.until(prefix, isIdle, PATIENCE_MS);
    assert.ok(done, `jobs are left: ${JSON.stringify(store.mirror.list(prefix))}`);
  }

  return {
    ...{ cloud, clock, table, dispatch, memory, hypervisor, network, exec, http, ask, authorization, idle },
    async call<T>(...request: Parameters<FakeCloud["ask"]>) {
      const { status, body, text } = await ask(...request);
      assert.equal(status, 200, text);
      return body as T;
    },
    everything: () =>
      new Map(
        [...memory.keys.values()]
          .filter(({ key }) => !/^\/(event|metrics|presence)\//.test(key))
          .map(({ key, text }) => [key.slice(1), JSON.parse(text)]),
      ),
    value<T>(key: string) {
      const entry = store.mirror.get<T>(key);
      assert.ok(entry, `${key} is missing`);
      return entry.value;
    },
    async restart(changed = {}, works = options.works ?? true) {
      await stop();
      return startNode(machine, { ...options, works, config: { ...options.config, ...changed } });
    },
    async reboot(changed = {}) {
      await stop();
      hypervisor.losePower(true);
      network.plans.clear();
      network.node = undefined;
      network.taps = [];
      machine.boot = `after ${machine.boot}`;
      return startNode(machine, { ...options, ...changed });
    },
    async close() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const prefixed = (config: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(config).map(([name, value]) => [`SHAKENFIST_${name}`, value]));

/** The least that makes an instance. */
export const small = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: "guest",
  cpus: 1,
  memory: 256,
  disk: [{ size: 8 }],
  ...more,
});

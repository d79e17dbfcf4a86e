// Twenty thousand requests that are wrong in some way: every one is refused in time and in words, and the node is afterwards
// as it was: nothing new in the store, no more memory in use.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { scan } from "../../runtime/scan.ts";
import type { Instance, Network } from "../../shared/api/types.ts";
import { type Hostile, hostileRequests, type Known } from "../conformance/hostile.ts";
import { fill } from "../conformance/row.ts";
import { type Outcome, openStream, type Stream } from "../conformance/stream.ts";
import { openWorld, type World } from "../conformance/world.ts";
import { NODE_ADDRESS } from "../support/network-host.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const FUNCTIONS = fileURLToPath(new URL("../../functions", import.meta.url));
const REQUESTS = 20_000;
const WARM_UP = 5_000;
const AT_ONCE = 16;
const PATIENCE_MS = 5_000;
const MOST_GROWTH_MIB = 20;
const SEED = Number(process.env.SF_TEST_SEED ?? 20_201_012);

/** Lets a test have the garbage collected, so that what is left is in use. */
const COLLECTS = `import v8 from "node:v8"; import vm from "node:vm";
v8.setFlagsFromString("--expose-gc"); const gc = vm.runInNewContext("gc"); process.on("SIGUSR2", () => gc());`;

describe("malformed requests", () => {
  let world: World;
  let streams: Stream[];
  let requests: fc.Arbitrary<Hostile>;
  const statuses = new Map<string, number>();

  before(async () => {
    world = await openWorld({
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(COLLECTS)}`,
      SHAKENFIST_LOGLEVEL: "warn",
    });
    streams = Array.from({ length: AT_ONCE }, () => openStream(NODE_ADDRESS, 13000, PATIENCE_MS));
    requests = hostileRequests((await scan([FUNCTIONS])).routes, await makeObjects());
  });
  after(async () => {
    for (const stream of streams ?? []) stream.close();
    await world?.stop();
  });

  /** A network that is in use, an instance on it, and one that is deleted. */
  async function makeObjects(): Promise<Known> {
    const network = await make<Network>("/networks", { netblock: "10.0.0.0/24", name: "net" });
    const small = { name: "guest", cpus: 1, memory: 64, disk: [{ size: 1 }] };
    const guest = await make<Instance>("/instances", { ...small, network: [{ network_uuid: network.uuid }] });
    const gone = await make<Instance>("/instances", small);
    await world.wire.ask({
      ...{ method: "DELETE", path: `/instances/${gone.uuid}` },
      headers: { Authorization: world.tokens.a ?? "" },
    });
    const interfaces = await world.cloud.api.listInterfaces("instances", guest.uuid);
    return {
      instance_ref: [guest.uuid, gone.uuid, "guest"],
      network_ref: [network.uuid, "net", "floating"],
      interface_uuid: interfaces.map(({ uuid }) => uuid),
      namespace: ["a", "b", "system"],
    };
  }

  async function make<T>(path: string, body: object): Promise<T> {
    const headers = { Authorization: world.tokens.a ?? "" };
    const answer = await world.wire.ask({ method: "POST", path, headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body) as T;
  }

  function bytesOf({ method, path, as, type, body, cut }: Hostile): Buffer {
    const head = [
      `${method} ${path} HTTP/1.1`,
      `Host: ${NODE_ADDRESS}`,
      ...(as === "" ? [] : [`Authorization: ${world.tokens[as] ?? fill(as, world.context)}`]),
      ...(type === null ? [] : [`Content-Type: ${type}`]),
      ...(body === null ? [] : [`Content-Length: ${body.length}`]),
    ];
    return Buffer.from(`${head.join("\r\n")}\r\n\r\n${(body ?? "").slice(0, cut ?? undefined)}`, "latin1");
  }

  async function askAll(batch: readonly Hostile[]): Promise<void> {
    await Promise.all(batch.map(async (hostile, index) => requireRefusal(hostile, streams[index])));
  }

  async function requireRefusal(hostile: Hostile, stream: Stream | undefined): Promise<void> {
    const outcome = await stream?.send(bytesOf(hostile), hostile.cut !== null).catch(String);
    const status = String((outcome as Outcome).status ?? outcome);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    assert.match(status, /^([1234]\d\d|cut)$/, `${status}: ${asCurl(hostile)}`);
  }

  async function run(count: number, seed: number): Promise<void> {
    const batch = fc.array(requests, { minLength: AT_ONCE, maxLength: AT_ONCE, size: "max" });
    await fc.assert(fc.asyncProperty(batch, askAll), { seed, numRuns: count / AT_ONCE, endOnFailure: true });
  }

  async function keys(): Promise<string[]> {
    const entries = await world.cloud.store.list("");
    return entries.map(({ key }) => key).filter((key) => !/^(event|presence|lock)\//.test(key));
  }

  /** Of the node's process, in MiB, once its garbage is collected. */
  async function memoryInUse(): Promise<number> {
    const pid = world.cloud.pid();
    const seen: number[] = [];
    for (let times = 0; times < 4; times++) {
      process.kill(pid, "SIGUSR2");
      await delay(1000);
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      seen.push(Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) / 1024);
    }
    return Math.min(...seen);
  }

  it(`${REQUESTS} of them: are refused, and leave nothing behind`, async () => {
    await run(WARM_UP, SEED + 1);
    statuses.clear();
    const [keysBefore, memoryBefore] = [await keys(), await memoryInUse()];
    const started = performance.now();
    await run(REQUESTS, SEED);
    const took_s = (performance.now() - started) / 1000;
    const [keysAfter, memoryAfter] = [await keys(), await memoryInUse()];
    const growth = memoryAfter - memoryBefore;
    const told = [...statuses].sort().map(([status, times]) => `${status} ${times}`);
    console.log(
      `fuzz: ${REQUESTS} requests, seed ${SEED}, ${took_s.toFixed(0)} s; ${told.join(", ")}; ` +
        `memory ${memoryBefore.toFixed(0)} to ${memoryAfter.toFixed(0)} MiB`,
    );
    assert.deepEqual(
      keysAfter.filter((key) => !keysBefore.includes(key)),
      [],
    );
    assert.deepEqual(
      keysBefore.filter((key) => !keysAfter.includes(key)),
      [],
    );
    assert.ok(growth <= MOST_GROWTH_MIB, `memory grew by ${growth.toFixed(1)} MiB`);
  });
});

/** For doing it again by hand. */
function asCurl({ method, path, as, type, body, cut }: Hostile): string {
  const text =
    body === null ? [] : [`--data-binary ${JSON.stringify(body.slice(0, 500))}`, `(${body.length} bytes)`];
  return [
    `curl -X ${method} ${JSON.stringify(path.slice(0, 500))}`,
    `-H 'Authorization: ${as}'`,
    `-H 'Content-Type: ${type}'`,
    ...text,
    ...(cut === null ? [] : [`cut after ${cut}`]),
  ].join(" ");
}

// Twenty thousand requests that are wrong in some way: every one is refused in time and in words, and the node is afterwards
// as it was: nothing new in the store, no more memory in use.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { Instance, Network } from "#shared/api/types.ts";
import { scan } from "../../runtime/scan.ts";
import { type Hostile, hostileRequests, type Known } from "../conformance/hostile.ts";
import { fill } from "../conformance/row.ts";
import { type Outcome, openStream, type Stream } from "../conformance/stream.ts";
import { openWorld, type World } from "../conformance/world.ts";
import { eventually } from "../support/await.ts";
import { takeInventory } from "../support/inventory.ts";
import { NODE_ADDRESS } from "../support/network-host.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const FUNCTIONS = fileURLToPath(new URL("../../functions", import.meta.url));
const REQUESTS = 20_000;
const WARM_UP = 2_000;
const AT_ONCE = 16;
const PORTION = 250;
const PATIENCE_MS = 5_000;
/** uWebSockets.js closes the connection on a longer head, without a word, unless it comes in one piece. */
const SURELY_READ = 4096;
/** At the memory, one a second; afterwards more, if it takes that long on a busy machine. */
const LOOKS = 12;
const MOST_LOOKS = 60;
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
    });
    streams = Array.from({ length: AT_ONCE }, () => openStream(NODE_ADDRESS, 13000, PATIENCE_MS));
    await eventually("the node that is not there is told away", 30_000, async () => {
      const [told] = await world.cloud.store.list("event/node/ghost/");
      return told;
    });
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

  function bytesOf({ method, path, as, type, more, body, chunked, cut }: Hostile): Buffer {
    const head = [
      `${method} ${path} HTTP/1.1`,
      `Host: ${NODE_ADDRESS}`,
      ...(as === "" ? [] : [`Authorization: ${world.tokens[as] ?? fill(as, world.context)}`]),
      ...(type === null ? [] : [`Content-Type: ${type}`]),
      ...more.map((line) => fill(line, world.context)),
      ...(body === null ? [] : [chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`]),
    ];
    const sent = body === null || !chunked ? (body ?? "") : inChunks(body);
    return Buffer.from(`${head.join("\r\n")}\r\n\r\n${sent.slice(0, cut ?? undefined)}`, "latin1");
  }

  async function requireRefusal(hostile: Hostile, stream: Stream): Promise<void> {
    const bytes = bytesOf(hostile);
    const outcome = await stream.send(bytes, hostile.cut !== null).catch(String);
    const status = String((outcome as Outcome).status ?? outcome);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === "closed" && bytes.indexOf("\r\n\r\n") > SURELY_READ) return;
    assert.match(status, /^([234]\d\d|cut)$/, `${status}: ${asCurl(hostile)}`);
  }

  /** The same seed makes the same requests; made a few at a time, for some are large. */
  async function run(count: number, seed: number): Promise<void> {
    for (let done = 0; done < count; done += PORTION) {
      const portion = fc.sample(requests, { seed: seed + done, numRuns: Math.min(PORTION, count - done) });
      const next = portion.values();
      await Promise.all(streams.map((stream) => askEach(next, stream)));
    }
  }

  async function askEach(next: Iterable<Hostile>, stream: Stream): Promise<void> {
    for (const hostile of next) await requireRefusal(hostile, stream);
  }

  /** What is in the store and on the host, but for what changes by itself. */
  async function takeStock() {
    const entries = await world.cloud.store.list<object>("");
    const records = entries
      .filter(({ key }) => !/^(presence|metrics|lock|node)\//.test(key))
      .map(({ key, value }) => [key, value]);
    return { ...(await takeInventory(world.cloud.store)), records: Object.fromEntries(records) };
  }

  /**
   * Of the node's process, in MiB: its PSS once its garbage is collected, and V8 has given the pages back, for which it takes
   * some 8 s (Node.js 20). Without the files that it maps: their part depends on who else has them mapped.
   */
  async function memoryInUse(enough_mib = Number.POSITIVE_INFINITY): Promise<number> {
    const pid = world.cloud.pid();
    const seen: number[] = [];
    while (seen.length < LOOKS || (Math.min(...seen) > enough_mib && seen.length < MOST_LOOKS)) {
      process.kill(pid, "SIGUSR2");
      await delay(1000);
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      seen.push(Number(/^Pss_Anon:\s+(\d+) kB/m.exec(rollup)?.[1]) / 1024);
    }
    return Math.min(...seen);
  }

  it(`${REQUESTS} of them: are refused, and leave nothing behind`, async () => {
    await run(WARM_UP, SEED + 1);
    statuses.clear();
    const [stockBefore, memoryBefore] = [await takeStock(), await memoryInUse()];
    const started = performance.now();
    await run(REQUESTS, SEED);
    const took_s = (performance.now() - started) / 1000;
    const memoryAfter = await memoryInUse(memoryBefore + MOST_GROWTH_MIB);
    const growth = memoryAfter - memoryBefore;
    const told = [...statuses].sort().map(([status, times]) => `${status} ${times}`);
    console.log(
      `fuzz: ${REQUESTS} requests, seed ${SEED}, ${took_s.toFixed(0)} s; ${told.join(", ")}; ` +
        `memory ${memoryBefore.toFixed(0)} to ${memoryAfter.toFixed(0)} MiB`,
    );
    assert.deepEqual(await takeStock(), stockBefore);
    assert.ok(growth <= MOST_GROWTH_MIB, `memory grew by ${growth.toFixed(1)} MiB`);
  });
});

/** Two of them, and the end. */
function inChunks(body: string): string {
  const parts = [body.slice(0, body.length / 2), body.slice(body.length / 2)].filter((part) => part !== "");
  return [...parts, ""].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("");
}

/** For doing it again by hand. */
function asCurl({ method, path, as, type, more, body, chunked, cut }: Hostile): string {
  const text = body === null ? [] : [`--data-binary ${abridged(body)}`];
  return [
    `curl -X ${method} ${abridged(path)}`,
    `-H 'Authorization: ${as}'`,
    `-H 'Content-Type: ${type}'`,
    ...more.map((line) => `-H '${line.slice(0, 50)}'`),
    ...(chunked ? ["-H 'Transfer-Encoding: chunked'"] : []),
    ...text,
    ...(cut === null ? [] : [`cut after ${cut}`]),
  ].join(" ");
}

const abridged = (text: string): string =>
  JSON.stringify(text.slice(0, 200)) + (text.length > 200 ? `… (${text.length} bytes)` : "");

// Every step of the start and the delete job, and at each: the node's process is killed before and after it, the step is
// run twice, fails once, fails always. The end is `created`, `deleted` or `error` with a reason, once, with nothing left.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Instance, Network } from "#shared/api/types.ts";
import deleteJob from "../../functions/instances/delete.job.ts";
import startJob from "../../functions/instances/start.job.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { type Inventory, takeInventory } from "../support/inventory.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const WAYS = ["kill-before", "kill-after", "twice", "fail-once", "fail-always"];
const SETTLE_MS = 10_000;
const OVER = ["created", "deleted", "error"];

describe("crash-only jobs", () => {
  let cloud: TestCloud;
  let network: Network;
  let empty: Inventory;
  const rows: string[] = [];

  before(async () => {
    cloud = await startCloud();
    network = await cloud.api.createNetwork({
      netblock: "10.0.0.0/24",
      name: "net",
      provide_dhcp: true,
      provide_nat: true,
    });
    // Makes the claim's key, so that it is there before and after.
    const first = await create("first");
    await cloud.api.deleteInstance(first.uuid);
    await settled();
    empty = await takeInventory(cloud.store);
  });
  after(async () => {
    console.log(`\njob and step, what was done to it → how it ended\n${rows.join("\n")}\n`);
    await cloud?.stop();
  });

  const create = (name: string): Promise<Instance> =>
    cloud.api.createInstance({
      name,
      cpus: 1,
      memory: 64,
      disk: [{ size: 1, base: cloud.imageUrl, bus: null, type: "disk" }],
      network: [{ network_uuid: network.uuid }],
    });

  /** What is refreshed after a deletion is done when no job is left. */
  const settled = () =>
    eventually("no job left", SETTLE_MS, async () =>
      (await cloud.store.count("job/")) === 0 ? true : undefined,
    );

  async function restartNode(failpoint: string): Promise<void> {
    await cloud.stopNode();
    await cloud.startNode({ SHAKENFIST_FAILPOINT: failpoint });
  }

  async function findByName(name: string): Promise<Instance> {
    const named = (await cloud.api.listInstances(true)).filter((it) => it.name === name);
    assert.equal(named.length, 1, `${named.length} instances called ${name}`);
    return named[0] as Instance;
  }

  /** A request that the killed node could not answer is no failure here: the record tells. */
  async function provoke(request: Promise<unknown>, kills: boolean): Promise<void> {
    const outcome = request.catch(() => undefined);
    if (!kills) return void (await outcome);
    await cloud.nodeEnd();
    await outcome;
    await cloud.startNode();
  }

  async function requireOver(name: string, ends: readonly string[]): Promise<Instance> {
    const over = await eventually(`${name} over`, SETTLE_MS, async () => {
      const now = await findByName(name);
      return ends.includes(now.state) ? now : undefined;
    });
    if (over.state === "error") assert.match(over.error_message ?? "", /\w/, "an error has a reason");
    return over;
  }

  async function requireOne({ uuid, state }: Instance): Promise<void> {
    const domains = execFileSync("virsh", ["list", "--all", "--name"], { encoding: "utf8" }).split(/\s+/);
    const expected = state === "created" ? [`sf:${uuid}`] : [];
    assert.deepEqual(
      domains.filter((it) => it !== ""),
      expected,
      `domains of a ${state} instance`,
    );
  }

  /** The network follows what leaves it a moment after the answer. */
  async function requireEmpty(): Promise<void> {
    await settled();
    const isEmpty = async () => isDeepStrictEqual(await takeInventory(cloud.store), empty) || undefined;
    await eventually("nothing left", SETTLE_MS, isEmpty).catch(() => undefined);
    assert.deepEqual(await takeInventory(cloud.store), empty);
  }

  for (const [index, { name: step }] of startJob.steps.entries()) {
    for (const way of WAYS) {
      it(`instances/start, ${step}, ${way}: ends once, with nothing doubled (fault 43)`, async () => {
        const name = `start-${index}-${way}`;
        await restartNode(`instances/start:${step}:${way}`);
        await provoke(create(name), way.startsWith("kill"));
        const over = await requireOver(name, OVER);
        assert.equal(over.state, way === "fail-always" ? "error" : "created");
        await requireOne(over);
        rows.push(
          `  instances/start  ${step.padEnd(20)} ${way.padEnd(12)} → ${over.state} ${over.error_message ?? ""}`,
        );
        await cloud.api.deleteInstance(over.uuid);
        await requireEmpty();
      });
    }
  }

  for (const [index, { name: step }] of deleteJob.steps.entries()) {
    for (const way of WAYS) {
      it(`instances/delete, ${step}, ${way}: ends once, with nothing left`, async () => {
        const name = `delete-${index}-${way}`;
        await restartNode(`instances/delete:${step}:${way}`);
        const { uuid } = await create(name);
        await provoke(cloud.api.deleteInstance(uuid), way.startsWith("kill"));
        const over = await requireOver(name, ["deleted", "error"]);
        assert.equal(over.uuid, uuid);
        assert.equal(over.state, way === "fail-always" ? "error" : "deleted");
        rows.push(
          `  instances/delete ${step.padEnd(20)} ${way.padEnd(12)} → ${over.state} ${over.error_message ?? ""}`,
        );
        if (over.state === "error") {
          await restartNode("");
          await cloud.api.deleteInstance(uuid);
        }
        await requireEmpty();
      });
    }
  }
});

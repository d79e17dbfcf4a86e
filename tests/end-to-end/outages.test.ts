// libvirtd and etcd are killed, and frozen, for half a minute: guests run on, no record changes because of silence,
// requests end by their deadline with 503, and everything goes on within two seconds of the return.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ApiError } from "#shared/api/errors.ts";
import type { Instance, Network } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const OUTAGE_MS = 30_000;
const REQUEST_MS = 15_000;
const RETURN_MS = 2_000;

describe("outages", () => {
  let cloud: TestCloud;
  let network: Network;
  let guest: Instance;
  const rows: string[] = [];

  before(async () => {
    cloud = await startCloud();
    network = await cloud.api.createNetwork({
      netblock: "10.0.0.0/24",
      name: "net",
      provide_dhcp: true,
      provide_nat: true,
    });
    guest = await create("guest");
  });
  after(async () => {
    console.log(
      `\noutage of ${OUTAGE_MS / 1000} s → longest request during it, back after\n${rows.join("\n")}\n`,
    );
    await cloud?.stop();
  });

  const create = (name: string): Promise<Instance> =>
    cloud.api.createInstance({
      name,
      cpus: 1,
      memory: 64,
      disk: [{ size: 1 }],
      network: [{ network_uuid: network.uuid }],
    });

  /** Right after an outage a create may be told to come again. */
  const accepted = (name: string): Promise<Instance> =>
    eventually("a create is accepted", 60_000, () =>
      create(name).catch((error: ApiError) => (error.status === 503 ? undefined : Promise.reject(error))),
    );

  function requireGuestRuns(): void {
    const processes = execFileSync("pgrep", ["-fc", `guest=sf:${guest.uuid}`], { encoding: "utf8" });
    assert.equal(processes.trim(), "1", "the guest's QEMU runs");
    assert.match(execFileSync("ip", ["netns"], { encoding: "utf8" }), new RegExp(network.uuid));
  }

  async function requireUnchanged(): Promise<void> {
    const now = await cloud.api.getInstance(guest.uuid);
    assert.equal(now?.state, "created");
    assert.equal(now?.power_state, "on");
  }

  /** How long the request took; it has to end with 503. */
  async function refused(request: Promise<unknown>): Promise<number> {
    const started = performance.now();
    const error = await request.then(
      () => undefined,
      (it: unknown) => it as ApiError,
    );
    const ms = performance.now() - started;
    assert.equal(error?.status, 503, `expected 503, had ${error?.status ?? "success"}: ${error?.message}`);
    assert.ok(ms < REQUEST_MS, `took ${ms} ms`);
    return ms;
  }

  async function during(
    what: string,
    begin: () => Promise<void> | void,
    end: () => Promise<void> | void,
    probe: () => Promise<number>,
  ): Promise<void> {
    const started = performance.now();
    await begin();
    const longest_ms = await probe();
    requireGuestRuns();
    await delay(Math.max(0, OUTAGE_MS - (performance.now() - started)));
    requireGuestRuns();
    await end();
    const back = performance.now();
    await eventually("a network can be made again", RETURN_MS + 1000, async () => {
      const made = await cloud.api.createNetwork({ netblock: "10.9.0.0/24", name: "after" });
      await cloud.api.deleteNetwork(made.uuid);
      return made.state === "created" ? made : undefined;
    });
    const back_ms = performance.now() - back;
    await requireUnchanged();
    rows.push(`  ${what.padEnd(16)} → ${(longest_ms / 1000).toFixed(1)} s, ${(back_ms / 1000).toFixed(2)} s`);
    assert.ok(back_ms < RETURN_MS, `back after ${back_ms} ms`);
  }

  /** Reads are served from memory with their age; changes are refused. */
  async function probeWithoutStore(): Promise<number> {
    await eventually("the age of an answer", REQUEST_MS, async () => {
      const answer = await fetch(`${cloud.apiUrl}/`);
      return Number(answer.headers.get("age")) >= 1 ? true : undefined;
    });
    assert.equal((await cloud.api.getInstance(guest.uuid))?.uuid, guest.uuid);
    assert.equal((await cloud.api.listInstances()).length, 1);
    const refusals = await Promise.all([
      refused(cloud.api.createNetwork({ netblock: "10.1.0.0/24", name: "no" })),
      refused(cloud.api.deleteInstance(guest.uuid)),
      refused(create("no")),
      refused(cloud.api.getInstance("11111111-1111-4111-8111-111111111111")),
    ]);
    return Math.max(...refusals);
  }

  it("etcd killed: reads go on with their age, changes are refused, all resumes", async () => {
    await during(
      "etcd killed",
      () => cloud.etcd.kill(),
      () => cloud.etcd.restart(),
      probeWithoutStore,
    );
  });

  it("etcd frozen: reads go on with their age, changes are refused, all resumes", async () => {
    await during(
      "etcd frozen",
      () => cloud.etcd.freeze(),
      () => cloud.etcd.thaw(),
      probeWithoutStore,
    );
  });

  /** A create is accepted and waits: it goes on when libvirt is back. */
  async function probeWithoutLibvirt(): Promise<number> {
    const started = performance.now();
    await requireUnchanged();
    await cloud.api.listInstances();
    return performance.now() - started;
  }

  for (const [what, begin, end] of [
    ["libvirtd killed", () => cloud.libvirtd.kill(), () => cloud.libvirtd.start()],
    ["libvirtd frozen", () => cloud.libvirtd.freeze(), () => cloud.libvirtd.thaw()],
  ] as const) {
    it(`${what}: guests run on, a create waits and goes on, all resumes`, async () => {
      let waiting: Promise<Instance> | undefined;
      await during(what, begin, end, async () => {
        waiting = accepted(`during-${what.replace(" ", "-")}`);
        waiting.catch(() => undefined);
        return probeWithoutLibvirt();
      });
      const { uuid } = (await waiting) as Instance;
      const over = await eventually("created", 10_000, async () => {
        const now = await cloud.api.getInstance(uuid);
        return now?.state === "created" || now?.state === "error" ? now : undefined;
      });
      assert.equal(over.state, "created", over.error_message ?? "");
      await cloud.api.deleteInstance(uuid);
      execFileSync("virsh", ["destroy", `sf:${guest.uuid}`]);
      await eventually("the power event", RETURN_MS, async () => {
        const now = await cloud.api.getInstance(guest.uuid);
        return now?.power_state === "off" ? now : undefined;
      });
      execFileSync("virsh", ["start", `sf:${guest.uuid}`]);
      await eventually("the power event", RETURN_MS, async () => {
        const now = await cloud.api.getInstance(guest.uuid);
        return now?.power_state === "on" ? now : undefined;
      });
    });
  }
});

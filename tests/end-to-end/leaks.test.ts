// Twenty creates and deletes in a row, half of them with a network of their own, leave nothing: counted before and after.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Instance, Network } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { type Inventory, takeInventory } from "../support/inventory.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const ROUNDS = 20;

describe("twenty creates and deletes in a row", () => {
  let cloud: TestCloud;
  let network: Network;
  let before_: Inventory;

  before(async () => {
    cloud = await startCloud();
    network = await makeNetwork("kept");
    await remove(await make("first", network));
    before_ = await inventory();
  });
  after(() => cloud?.stop());

  const makeNetwork = (name: string): Promise<Network> =>
    cloud.api.createNetwork({ netblock: "10.0.0.0/24", name, provide_dhcp: true, provide_nat: true });

  const make = (name: string, on: Network): Promise<Instance> =>
    cloud.api.createInstance({
      name,
      cpus: 1,
      memory: 64,
      disk: [{ size: 1, base: cloud.imageUrl }, { size: 1 }],
      network: [{ network_uuid: on.uuid }, { network_uuid: on.uuid }],
    });

  async function remove({ uuid }: Instance): Promise<void> {
    await cloud.api.deleteInstance(uuid);
    assert.equal((await cloud.api.getInstance(uuid))?.state, "deleted");
  }

  async function inventory(): Promise<Inventory> {
    await eventually("no job left", 10_000, async () =>
      (await cloud.store.count("job/")) === 0 ? true : undefined,
    );
    return takeInventory(cloud.store);
  }

  for (let round = 1; round <= ROUNDS; round++) {
    it(`round ${round}: creates and deletes an instance${round % 2 === 0 ? " and its network" : ""}`, async () => {
      const own = round % 2 === 0 ? await makeNetwork(`net-${round}`) : undefined;
      const instance = await make(`guest-${round}`, own ?? network);
      assert.equal(instance.state, "created", instance.error_message ?? "");
      await remove(instance);
      if (own !== undefined) await cloud.api.deleteNetwork(own.uuid);
    });
  }

  it("afterwards: domains, links, namespaces, dnsmasq, files and keys are as before", async () => {
    const now = await inventory();
    const counts = (it: Inventory) =>
      Object.entries(it).map(([what, found]) => `${what} ${Array.isArray(found) ? found.length : found}`);
    console.log(`before: ${counts(before_).join(", ")}\nafter:  ${counts(now).join(", ")}`);
    assert.deepEqual(now, before_);
  });
});

import { strict as assert } from "node:assert";
import { describe, it, type TestContext } from "node:test";
import { listEvents } from "#shared/events/list.ts";
import { fakeCloud } from "../../support/fake-cloud.ts";

async function open(t: TestContext) {
  const f = await fakeCloud();
  t.after(() => f.close());
  const record = (operation: string, uuid = "x") =>
    f.cloud.events.record("network", uuid, { operation, phase: null });
  const told = async (uuid = "x") =>
    (await listEvents(f.cloud, "network", uuid)).map(({ operation }) => operation);
  return { f, record, told };
}

const many = (count: number) => Array.from({ length: count }, (_, index) => `event ${index}`);

describe("events", () => {
  it("record: keeps the order, also of one moment, and each with its object (fault 54)", async (t) => {
    const { record, told } = await open(t);
    for (const each of many(250)) record(each);
    record("other", "x/y");
    assert.deepEqual(await told(), many(250));
    assert.deepEqual(await told("x/y"), ["other"]);
  });

  it("record: keeps the newest few hundred of an object", async (t) => {
    const { f, record, told } = await open(t);
    for (const each of many(450)) record(each);
    assert.deepEqual(await told(), many(450).slice(150));
    assert.equal(await f.cloud.store.count("event/network/x/"), 300);
  });

  it("record: while the store is away nothing is lost but the oldest of very many", async (t) => {
    const { f, record, told } = await open(t);
    f.memory.kill();
    for (const each of many(5100)) record(each);
    const back = new Promise<void>((resolve) => f.cloud.store.mirror.onReturn(resolve));
    await f.cloud.store.get("network/x").catch(() => undefined);
    await f.cloud.events.flush();
    f.memory.revive();
    await back;
    assert.deepEqual(await told(), many(5100).slice(-300));
    assert.equal(await f.cloud.store.count("event/network/x/"), 300);
  });
});

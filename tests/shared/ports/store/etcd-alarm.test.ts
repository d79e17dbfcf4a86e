// What a real etcd says of itself that has reached its quota, and of a member that does not answer.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { isKind } from "#shared/errors.ts";
import { openEtcd } from "#shared/ports/store/etcd.ts";
import { startEtcd } from "../../../support/etcd.ts";

test("health: a full file is an alarm, and a silent member is named", async (t) => {
  // etcd takes each of its options from the environment too.
  process.env.ETCD_QUOTA_BACKEND_BYTES = "1000000";
  const etcd = await startEtcd();
  t.after(() => etcd.stop());
  const backend = openEtcd({ hosts: [etcd.host, "127.0.0.1:1"], prefix: "/full" });
  t.after(() => backend.close());
  assert.deepEqual((await backend.health()).alarms, []);
  const fill = async () => {
    for (let at = 0; at < 100; at++)
      await backend.commit([{ key: `thing/${at}`, write: { put: "x".repeat(100_000) } }]);
  };
  await assert.rejects(fill(), (error) => isKind(error, "unavailable"));
  const { members, alarms } = await backend.health();
  assert.deepEqual(alarms, ["NOSPACE"]);
  assert.ok((members[0]?.size ?? 0) > 1_000_000);
  assert.match(String(members[1]?.failure), /ECONNREFUSED|No connection/);
});

import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Instance } from "#shared/api/types.ts";
import { startOf } from "#shared/nodes/boot.ts";
import { fakeCloud, small } from "../../support/fake-cloud.ts";

describe("the start of a host", () => {
  it("startOf: reads past a name with spaces and brackets", () => {
    const stat = "1 (a) b) (c) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1 2";
    assert.equal(startOf(stat), "4242");
  });

  it("a node that was removed and joined again while it ran: has its new guests back too", async (t) => {
    const first = await fakeCloud();
    // As the removal leaves it; the process that joins again does not start anew.
    await first.cloud.store.clear("boot/sf-1");
    const { uuid } = await first.call<Instance>("POST", "/instances", small());
    const f = await first.reboot();
    t.after(() => f.close());
    await f.idle();
    assert.equal((await f.hypervisor.getDomain(uuid))?.power, "on");
  });
});

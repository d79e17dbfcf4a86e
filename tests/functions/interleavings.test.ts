import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Instance, Network } from "#shared/api/types.ts";
import { CloudError } from "#shared/errors.ts";
import { type Asked, type FakeCloud, fakeCloud, small } from "../support/fake-cloud.ts";

const ACTS = 200;

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes the machine below fail now and then, or not answer. */
function unreliable(f: FakeCloud, random: () => number): { mend(): void } {
  let broken = true;
  const stumble = () => {
    const dice = broken ? random() : 1;
    if (dice < 0.4) throw new CloudError("internal", "it fails");
    if (dice < 0.5) throw new CloudError("unavailable", "it does not answer");
  };
  for (const name of ["define", "start", "powerOff", "undefine"] as const) {
    const well = f.hypervisor[name];
    f.hypervisor[name] = async (it: string) => {
      stumble();
      await well(it);
    };
  }
  f.network.before = stumble;
  return {
    mend() {
      broken = false;
    },
  };
}

async function act(f: FakeCloud, random: () => number): Promise<Asked> {
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  const networks = f.cloud.store.mirror.list<Network>("network/").map(({ value }) => value.uuid);
  const instances = f.cloud.store.mirror.list<Instance>("instance/").map(({ value }) => value.uuid);
  const dice = random();
  if (dice < 0.15 || networks.length === 0)
    return f.ask("POST", "/networks", {
      netblock: "10.0.0.0/28",
      provide_dhcp: true,
      provide_nat: dice < 0.1,
    });
  if (dice < 0.25) return f.ask("DELETE", `/networks/${pick(networks)}`);
  if (dice < 0.65 || instances.length === 0) {
    const nics = Array.from({ length: Math.floor(random() * 3) }, () => ({ network_uuid: pick(networks) }));
    return f.ask("POST", "/instances", small({ network: nics }));
  }
  return f.ask("DELETE", `/instances/${pick(instances)}`);
}

async function deleteAll(f: FakeCloud): Promise<void> {
  for (const kind of ["instances", "networks"]) {
    const all = await f.call<{ uuid: string; state: string }[]>("GET", `/${kind}`, { all: true });
    const living = all.filter(({ state }) => state !== "deleted");
    await Promise.all(living.map(({ uuid }) => f.call("DELETE", `/${kind}/${uuid}`)));
    await f.idle();
  }
}

describe("everything at once", () => {
  for (const seed of [1]) {
    it(`${ACTS} creates and deletes on a machine that fails (seed ${seed}): nothing is left or doubled`, async (t) => {
      const f = await fakeCloud();
      t.after(() => f.close());
      await f.authorization("system");
      const before = new Set(f.everything().keys());
      const random = randomOf(seed);
      const machine = unreliable(f, random);
      const answers: Promise<Asked>[] = [];
      for (let count = 0; count < ACTS; count++) {
        answers.push(act(f, random));
        if (random() < 0.7) await new Promise((resolve) => setImmediate(resolve));
      }
      for (const { status, text } of await Promise.all(answers))
        assert.ok([200, 403, 404, 409, 507].includes(status), text);
      await f.idle();
      machine.mend();
      await deleteAll(f);

      const left = [...f.everything()].filter(([key]) => !before.has(key));
      for (const [key, value] of left) {
        if (key === "namespace-users/system") continue;
        if (key === "claim/sf-1") assert.deepEqual(value, { cpus: 0, memory_mib: 0, disk_gib: 0 });
        else {
          assert.match(key, /^(instance|interface|network)\//);
          assert.equal((value as { state: string }).state, "deleted", key);
        }
      }
      assert.deepEqual(await f.hypervisor.listDomains(), []);
      assert.equal(f.network.plans.size, 0);
    });
  }
});

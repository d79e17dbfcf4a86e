// A fake cloud for the doctor, and what is asked of it.
import { strict as assert } from "node:assert";
import type { TestContext } from "node:test";
import type { Diagnosis, Finding, Instance, Network } from "#shared/api/types.ts";
import { CHECKS } from "#shared/doctor/list.ts";
import { type FakeCloud, fakeCloud, small } from "./fake-cloud.ts";

export const NOWHERE = "00000000-0000-4000-8000-000000000000";
export const DOCTOR = "/nodes/sf-1/doctor";

/** A cloud with one instance on one network: nothing is wrong with it. */
export async function openDoctor(t: TestContext) {
  const f = await fakeCloud();
  t.after(() => f.close());
  const net = await f.call<Network>("POST", "/networks", {
    ...{ name: "net", netblock: "10.0.0.0/24", provide_dhcp: true, provide_nat: true },
  });
  const network = [{ network_uuid: net.uuid }];
  const guest = await f.call<Instance>("POST", "/instances", small({ network }));
  await f.idle();
  return { f, net, guest, storage: f.cloud.config.STORAGE_PATH };
}

/** What the checks of these names say, but for the prerequisites of the machine that this runs on. */
export const askDoctor = async (
  f: FakeCloud,
  method: "GET" | "POST",
  ...checks: string[]
): Promise<Diagnosis[]> => f.call<Diagnosis[]>(method, DOCTOR, { checks });

export async function askOne(f: FakeCloud, method: "GET" | "POST", check: string): Promise<Diagnosis> {
  const [first, ...others] = await askDoctor(f, method, check);
  assert.ok(first);
  assert.deepEqual(others, []);
  return first;
}

/** Found, mended and gone. */
export async function heals(f: FakeCloud, check: string, expected: Pick<Finding, "subject" | "problem">[]) {
  const told = ({ findings }: Diagnosis) => findings.map(({ subject, problem }) => ({ subject, problem }));
  const found = await askOne(f, "GET", check);
  assert.equal(found.state, "found");
  assert.deepEqual(told(found), expected);
  assert.ok(found.findings.every(({ mendable, mend }) => mendable && mend.length > 5));
  const mended = await askOne(f, "POST", check);
  assert.deepEqual(told(mended), expected);
  assert.deepEqual(
    mended.findings.map(({ mended, failure }) => ({ mended, failure })),
    expected.map(() => ({ mended: true, failure: undefined })),
  );
  assert.equal(mended.state, "ok");
  assert.deepEqual(await askOne(f, "GET", check), { ...found, state: "ok", findings: [] });
}

/** Those that do not look at the machine itself. */
export const LEAKS = CHECKS.map(({ name }) => name).filter(
  (name) => !["programs", "kvm", "kvm-guests", "storage", "port-range", "firewall"].includes(name),
);

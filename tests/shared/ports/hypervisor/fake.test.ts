import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "#shared/errors.ts";
import { openFakeHypervisor } from "#shared/ports/hypervisor/fake.ts";
import { hypervisorContract } from "./contract.ts";

const definitionOf = (uuid: string) =>
  `<domain><name>sf:${uuid}</name><uuid>${uuid}</uuid><memory unit='KiB'>65536</memory><vcpu>1</vcpu></domain>`;

hypervisorContract("fake", async () => {
  const hypervisor = openFakeHypervisor();
  return {
    hypervisor,
    makeDefinition: async (uuid) => definitionOf(uuid),
    addForeign: async (uuid) => hypervisor.addForeign(uuid),
    crash: async (uuid) => hypervisor.crash(uuid),
    goAway: async () => hypervisor.goAway(),
    comeBack: async () => hypervisor.comeBack(),
    close: () => hypervisor.close(),
  };
});

test("fake: refuseNextStart: refuses one start with the words and no more", async () => {
  const hypervisor = openFakeHypervisor();
  const uuid = "0b7c4a52-5bd1-4d0f-9a3e-7a3c3a1c9f10";
  await hypervisor.define(definitionOf(uuid));
  hypervisor.refuseNextStart("no room");
  await assert.rejects(
    hypervisor.start(uuid),
    (error) => isKind(error, "internal") && error.message === "libvirt: no room",
  );
  await hypervisor.start(uuid);
  assert.deepEqual(await hypervisor.getDomain(uuid), { uuid, power: "on" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "#shared/config.ts";
import { chooseSettings } from "../../deploy/lib/settings.ts";

const NIC = { SHAKENFIST_NODE_EGRESS_NIC: "nic0" };

test("chooseSettings: suits one small machine, and the node understands all of it", () => {
  const { config, warnings } = readConfig(chooseSettings(NIC, {}, "qemu"));
  assert.deepEqual(warnings, []);
  assert.equal(config.VIRT_TYPE, "qemu");
  assert.deepEqual(config.ETCD_HOSTS, ["127.0.0.1:2379"]);
  assert.deepEqual(config.IMAGE_URL_ALLOW, ["127.0.0.0/8"]);
  assert.ok(config.RAM_SYSTEM_RESERVATION < 1);
  assert.match(config.FLOATING_NETWORK, /^192\.168\.\d+\.0\/24$/);
});

test("chooseSettings: the user's settings win over the last start's, and those over the defaults", () => {
  const last = {
    SHAKENFIST_API_PORT: "1",
    SHAKENFIST_ZONE: "z",
    SHAKENFIST_FLOATING_NETWORK: "192.168.99.0/24",
  };
  const chosen = chooseSettings({ ...NIC, SHAKENFIST_API_PORT: "2" }, last, "qemu");
  assert.equal(chosen.SHAKENFIST_API_PORT, "2");
  assert.equal(chosen.SHAKENFIST_ZONE, "z");
  assert.equal(chosen.SHAKENFIST_FLOATING_NETWORK, "192.168.99.0/24");
});

test("chooseSettings: how guests run is looked at anew, unless the user says it", () => {
  const last = { SHAKENFIST_VIRT_TYPE: "kvm" };
  assert.equal(chooseSettings(NIC, last, "qemu").SHAKENFIST_VIRT_TYPE, "qemu");
  assert.equal(
    chooseSettings({ ...NIC, SHAKENFIST_VIRT_TYPE: "qemu" }, last, "kvm").SHAKENFIST_VIRT_TYPE,
    "qemu",
  );
});

test("chooseSettings: keeps the client's key and other programs' variables out, and allows our own images once", () => {
  const given = {
    ...NIC,
    SHAKENFIST_KEY: "secret",
    HOME: "/root",
    SHAKENFIST_IMAGE_URL_ALLOW: "10.1.0.0/16",
  };
  const chosen = chooseSettings(NIC, chooseSettings(given, {}, "qemu"), "qemu");
  assert.equal(chosen.SHAKENFIST_IMAGE_URL_ALLOW, "127.0.0.0/8 10.1.0.0/16");
  assert.equal("SHAKENFIST_KEY" in chosen || "HOME" in chosen, false);
});

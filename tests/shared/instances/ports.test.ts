// The ports of consoles, where another program of the node has them: the API on fakes, and the words of a real libvirt.
import { enterSandbox } from "../../support/sandbox.ts";

enterSandbox(import.meta.url);

import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { Event, Instance } from "#shared/api/types.ts";
import { systemClock } from "#shared/clock.ts";
import { readConfig } from "#shared/config.ts";
import { CloudError } from "#shared/errors.ts";
import { isPortTaken, portRange } from "#shared/instances/ports.ts";
import { silentLog } from "#shared/log.ts";
import { openLibvirt } from "#shared/ports/hypervisor/libvirt.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "../../support/fake-cloud.ts";
import { startLibvirtd } from "../../support/libvirtd.ts";
import { makeGuest } from "../ports/hypervisor/guest.ts";

async function open(t: TestContext, options: FakeCloudOptions = {}) {
  const f = await fakeCloud(options);
  t.after(() => f.close());
  return f;
}

/** From now on a start fails as QEMU does, while the domain has one of these ports. */
function occupy(f: FakeCloud, isTaken: (port: number) => boolean): void {
  const { start } = f.hypervisor;
  f.hypervisor.start = async (uuid) => {
    const ports = [...(f.hypervisor.definitionOf(uuid) ?? "").matchAll(/(?:service|port)='(\d{4,})'/g)];
    assert.equal(ports.length, 2);
    if (ports.some(([, port]) => isTaken(Number(port))))
      throw new CloudError("internal", "libvirt: Failed to find an available port: Address already in use");
    await start(uuid);
  };
}

const portsHeld = (f: FakeCloud, node = "sf-1") =>
  [...f.everything().keys()].filter((key) => key.startsWith(`port/${node}/`)).sort();

describe("ports of consoles", () => {
  it("CONSOLE_PORTS: ends below the ports that the kernel gives to connections (fault 65)", async () => {
    const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
    const [, last] = portRange(readConfig({}).config.CONSOLE_PORTS);
    assert.ok(last < Number(range.split("\t")[0]), range);
  });

  it("POST /instances: a port that another program has is given up for another (fault 65)", async (t) => {
    const f = await open(t);
    let first: number[] = [];
    occupy(f, (port) => {
      if (first.length < 2) first = [...first, port];
      return first.includes(port);
    });
    const made = await f.call<Instance>("POST", "/instances", small());
    assert.deepEqual([made.state, made.power_state, made.error_message ?? null], ["created", "on", null]);
    const { console_port = 0, vdi_port = 0 } = made;
    assert.ok(!first.includes(console_port ?? 0) && !first.includes(vdi_port ?? 0));
    assert.deepEqual(portsHeld(f), [`port/sf-1/${console_port}`, `port/sf-1/${vdi_port}`].sort());
    const events = await f.call<Event[]>("GET", `/instances/${made.uuid}/events`);
    assert.ok(events.some(({ operation }) => operation === "ports changed"));
    await f.call("DELETE", `/instances/${made.uuid}`);
    assert.deepEqual(portsHeld(f), []);
  });

  it("POST …/poweron: a port that was taken meanwhile is given up for another (fault 65)", async (t) => {
    const f = await open(t);
    const { uuid, console_port } = await f.call<Instance>("POST", "/instances", small());
    await f.call("POST", `/instances/${uuid}/poweroff`);
    occupy(f, (port) => port === console_port);
    assert.equal(await f.call("POST", `/instances/${uuid}/poweron`), true);
    const now = await f.call<Instance>("GET", `/instances/${uuid}`);
    assert.deepEqual([now.power_state, now.console_port === console_port], ["on", false]);
  });

  it("POST /instances: where every port is taken it is an error with the reason, and holds none (fault 65)", async (t) => {
    const f = await open(t);
    occupy(f, () => true);
    const { state, error_message } = await f.call<Instance>("POST", "/instances", small());
    assert.equal(state, "error");
    assert.match(error_message ?? "", /Address already in use/);
    assert.deepEqual(portsHeld(f), []);
  });

  it("a start of a domain whose port is taken: is refused in words that are known (fault 65)", async (t) => {
    const libvirtd = await startLibvirtd();
    t.after(() => libvirtd.stop());
    const hypervisor = openLibvirt({ uri: libvirtd.uri, clock: systemClock, log: silentLog });
    t.after(() => hypervisor.close());
    const other = createServer().listen(30_123, "127.0.0.1");
    t.after(() => other.close());
    await once(other, "listening");
    const taken = { address: "127.0.0.1", port: 30_123 };
    for (const changes of [{ vnc: taken }, { console: { ...taken, log_path: "/srv/shakenfist/log" } }]) {
      const uuid = randomUUID();
      await hypervisor.define(makeGuest(uuid, changes));
      await assert.rejects(hypervisor.start(uuid), isPortTaken);
    }
  });
});

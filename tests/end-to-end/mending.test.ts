// What somebody does by hand to the links, rules and programs of a network is mended by the node by itself, and told; the
// guest on it is reached again.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { Instance, Network } from "#shared/api/types.ts";
import { realExec } from "#shared/ports/exec/real.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { OUTSIDE, pings } from "../support/network-host.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const BOOT_MS = 120_000;
/** The upkeep comes every 25 s; the rest is for a busy machine. */
const MEND_MS = 60_000;

describe("a network damaged by hand", () => {
  let cloud: TestCloud;
  let network: Network;
  let guest: Instance;
  let tap: string;
  let floating: string;

  before(async () => {
    cloud = await startCloud();
    const block = { netblock: "10.0.0.0/24", name: "net", provide_dhcp: true, provide_nat: true };
    network = await cloud.api.createNetwork(block);
    guest = await cloud.api.createInstance({
      ...{ name: "guest", cpus: 1, memory: 192 },
      disk: [{ size: 8, base: cloud.imageUrl }],
      network: [{ network_uuid: network.uuid, address: "10.0.0.9" }],
    });
    const [nic] = await cloud.api.listInterfaces("instances", guest.uuid);
    assert.ok(nic);
    tap = `sf-${nic.uuid.replaceAll("-", "").slice(0, 12)}`;
    await cloud.api.floatInterface(nic.uuid);
    floating = (await cloud.api.listInterfaces("instances", guest.uuid))[0]?.floating ?? "";
    await reached(BOOT_MS);
  });
  after(() => cloud?.stop());

  const run = (program: string, args: string[], namespace?: string) =>
    realExec.run(program, args, namespace === undefined ? {} : { namespace });
  const link = (text: string) => run("ip", text.split(" "));

  const reached = (timeout_ms: number) =>
    eventually(
      `ping of ${floating}`,
      timeout_ms,
      async () => (await pings(OUTSIDE, floating, 1)) || undefined,
    );

  const mended = async (path: "networks" | "nodes", of: string) =>
    (await cloud.store.list<{ operation: string; message: string }>(`event/${path.slice(0, -1)}/${of}/`))
      .filter(({ value }) => value.operation === "mended")
      .map(({ value }) => value.message)
      .join(", ");

  /** Each of the words is in an event, within the time. */
  const tells = (words: string[]) =>
    eventually(`events of ${words}`, MEND_MS, async () => {
      const all = `${await mended("networks", network.uuid)}, ${await mended("nodes", "sf-test")}`;
      return words.every((word) => all.includes(word)) || undefined;
    });

  it("nothing was damaged: no event says so", async () => {
    assert.equal(await mended("networks", network.uuid), "");
    assert.equal(await mended("nodes", "sf-test"), "");
  });

  it("a real guest: may send under its own address alone", async () => {
    const { stdout } = await run("nft", ["list", "set", "bridge", "shakenfist", "senders"]);
    assert.match(stdout, new RegExp(`"${tap}" \\. 02:00:00:\\S+ \\. 10\\.0\\.0\\.9`));
  });

  it("a real guest that the rules do not know: sends nothing, until they are mended", async () => {
    // Again and again: the upkeep may come between.
    await eventually("no answer", MEND_MS, async () => {
      await run("nft", ["flush", "set", "bridge", "shakenfist", "taps"]);
      return !(await pings(OUTSIDE, floating)) || undefined;
    });
    await tells(["load rules of the guests"]);
    await reached(MEND_MS);
  });

  it("rules flushed, dnsmasq killed, VXLAN deleted, tap off the bridge: mended and told", async () => {
    await run("nft", ["flush", "ruleset"]);
    await run("nft", ["flush", "ruleset"], network.uuid);
    process.kill(Number(await readFile(`/srv/shakenfist/dhcp/${network.uuid}/pid`, "utf8")), "SIGKILL");
    await link(`link delete vxlan-${network.vxid}`);
    await link(`link set ${tap} nomaster`);
    await tells([
      ...["load rules of the guests", "load rules of the node", "load rules,", "restart dhcp"],
      ...[`create vxlan-${network.vxid}`, `put ${tap} back on br-vxlan-${network.vxid}`],
    ]);
    await reached(MEND_MS);
  });

  it("bridge and namespace deleted: mended and told", async () => {
    await link(`link delete br-vxlan-${network.vxid}`);
    await link(`netns delete ${network.uuid}`);
    await tells([`create br-vxlan-${network.vxid}`, `create namespace ${network.uuid}`]);
    await reached(MEND_MS);
  });
});

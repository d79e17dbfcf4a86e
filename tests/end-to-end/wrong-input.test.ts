// What can be wrong around a node and in what users ask of it: each ends in a clear error, and nothing is left behind.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { DiskRequest, Instance } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { type Inventory, takeInventory } from "../support/inventory.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

/** Of four tries, and the pauses between them. */
const ERROR_MS = 120_000;
const NODE = fileURLToPath(new URL("../../dist/node/runtime/main.js", import.meta.url));

describe("wrong input", () => {
  let cloud: TestCloud;
  let empty: Inventory;
  let server: Server;
  let web: string;

  before(async () => {
    cloud = await startCloud();
    server = createServer((request, response) => {
      if (request.url === "/page")
        response.setHeader("content-type", "text/html").end("<html>not an image</html>");
      else if (request.url === "/cut")
        response.writeHead(200, { "content-length": "1000000" }).write("QFI\xfb", () => response.destroy());
      else response.writeHead(404).end();
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const first = await make({ size: 1 });
    await cloud.api.deleteInstance(first.uuid);
    empty = await takeInventory(cloud.store);
  });
  after(async () => {
    server?.close();
    server?.closeAllConnections();
    await cloud?.stop();
  });

  const make = (...disk: DiskRequest[]): Promise<Instance> =>
    cloud.api.createInstance({ name: "wrong", cpus: 1, memory: 64, disk });

  /** In error with the reason; a deletion leaves nothing, and the failure itself left nothing but the record. */
  async function requireError(made: Instance, reason: RegExp): Promise<void> {
    // A server that breaks off is asked again: that takes longer than the answer to the create.
    const instance = await eventually("in error", ERROR_MS, async () => {
      const now = await cloud.api.getInstance(made.uuid);
      return now?.state === "error" ? now : undefined;
    });
    assert.match(instance.error_message ?? "", reason);
    assert.deepEqual(await takeInventory(cloud.store), empty);
    await cloud.api.deleteInstance(instance.uuid);
  }

  const sfNode = (args: string[], settings: Record<string, string>, user?: number) =>
    spawnSync(process.execPath, [NODE, ...args], {
      encoding: "utf8",
      timeout: 30_000,
      env: {
        PATH: process.env.PATH ?? "",
        SHAKENFIST_ETCD_HOSTS: cloud.etcd.host,
        SHAKENFIST_NODE_NAME: "other",
        SHAKENFIST_NODE_EGRESS_NIC: "uplink",
        ...settings,
      },
      ...(user === undefined ? {} : { uid: user }),
    });

  it("an image that is not there: error, with the server's status", async () => {
    await requireError(await make({ base: `${web}/none` }), /404/);
  });

  it("a web page for an image: error, saying what it is not", async () => {
    await requireError(await make({ base: `${web}/page` }), /page.*(image|disk)/i);
  });

  it("an image that is cut short: error, saying so", async () => {
    await requireError(await make({ base: `${web}/cut` }), /cut/);
  });

  it("an image at an internal address: error, naming the setting", async () => {
    await requireError(await make({ base: "http://169.254.169.254/latest" }), /IMAGE_URL_ALLOW/);
  });

  it("an image on a host that does not exist: error, in the words clients look for", async () => {
    await requireError(await make({ base: "http://nosuch..invalid/x" }), /Name or service not known/);
  });

  it("a disk smaller than its image: error, naming both sizes", async () => {
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "/srv/shakenfist/large.qcow2", "5G"]);
    const { serveImage } = await import("../../deploy/serve-image.ts");
    const { url, server: images } = await serveImage("/srv/shakenfist/large.qcow2", 0);
    const made = await make({ size: 2, base: url });
    images.close();
    images.closeAllConnections();
    execFileSync("rm", ["/srv/shakenfist/large.qcow2"]);
    await requireError(made, /2 GiB.*5/);
  });

  it("a domain that will not start: error, with libvirt's reason", async () => {
    // QEMU itself refuses this: the port of the console is taken by somebody else.
    const blocker = createServer();
    const ports: Server[] = [blocker];
    await cloud.stopNode();
    await cloud.startNode({ SHAKENFIST_CONSOLE_PORTS: "31000-31001" });
    await new Promise((resolve) => blocker.listen(31000, "127.0.0.1", () => resolve(undefined)));
    const made = await make({ size: 1 });
    for (const each of ports) each.close();
    await requireError(made, /31000|bind|in use/i);
    await cloud.stopNode();
    await cloud.startNode();
  });

  it("a full disk: error, saying so", async () => {
    await cloud.stopNode();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1M", "tmpfs", "/srv/shakenfist/image_cache"]);
    await cloud.startNode();
    const made = await make({ base: cloud.imageUrl });
    await requireError(made, /no space/i);
    await cloud.stopNode();
    execFileSync("umount", ["/srv/shakenfist/image_cache"]);
    await cloud.startNode();
  });

  it("a port that is taken: the second node refuses, naming it", () => {
    const { status, stderr } = sfNode([], {});
    assert.equal(status, 1);
    assert.match(stderr, /13000/);
  });

  it("no etcd: says which one does not answer", () => {
    const { status, stderr } = sfNode([], { SHAKENFIST_ETCD_HOSTS: "127.0.0.1:1" });
    assert.equal(status, 1);
    assert.match(stderr, /127\.0\.0\.1:1\b/);
  });

  it("no root: says that it is needed", () => {
    const { status, stderr } = sfNode([], {}, 65534);
    assert.equal(status, 1);
    assert.match(stderr, /root/);
  });

  it("an egress interface that does not exist: names the setting", () => {
    const { status, stderr } = sfNode([], { SHAKENFIST_NODE_EGRESS_NIC: "nosuch0" });
    assert.equal(status, 1);
    assert.match(stderr, /NODE_EGRESS_NIC.*nosuch0/);
  });

  it("sf-node config: masks secrets, warns of unknown names", () => {
    const { status, stdout } = sfNode(["config"], {
      SHAKENFIST_AUTH_SECRET_SEED: "hush-hush",
      SHAKENFIST_TYPO: "1",
    });
    assert.equal(status, 0);
    assert.ok(!stdout.includes("hush-hush"));
    assert.match(stdout, /SHAKENFIST_TYPO/);
  });
});

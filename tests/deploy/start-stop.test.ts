import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tinyGuest } from "../../deploy/tiny-guest/build.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
const STATE = "/var/lib/shakenfist/quick-start";
const OURS = [
  "/var/lib/shakenfist",
  "/var/log/shakenfist",
  "/var/cache/shakenfist",
  "/srv/shakenfist",
  "/run/lock",
];
const scratch = mkdtempSync(join(tmpdir(), "sf-start-"));
const home = join(scratch, "home");

before(async () => {
  const guest = join((await tinyGuest()).image, "..");
  cpSync(join(guest, ".."), join(scratch, "cache"), { recursive: true });
  for (const directory of OURS) {
    mkdirSync(directory, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", directory]);
  }
  fillCache();
  mkdirSync(home);
  // The sandbox has cgroups that libvirt cannot use, and must not see the machine's own domains.
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", "/etc/libvirt/qemu"]);
  writeFileSync(join(scratch, "qemu.conf"), "cgroup_controllers = [ ]\n");
  execFileSync("mount", ["--bind", join(scratch, "qemu.conf"), "/etc/libvirt/qemu.conf"]);
  for (const line of [
    "link add up0 type veth peer name up1",
    "link set up1 up",
    "link set up0 up",
    "address add 172.30.0.1/24 dev up0",
    "route add default via 172.30.0.2",
  ]) {
    execFileSync("ip", line.split(" "));
  }
});
after(() => {
  program("stop", ["--purge"]);
  rmSync(scratch, { recursive: true });
});

/** The sandbox has no way to Debian's archive. */
function fillCache(): void {
  cpSync(join(scratch, "cache"), "/var/cache/shakenfist", { recursive: true, preserveTimestamps: true });
}

function program(name: "start" | "stop", args: readonly string[] = [], env: Record<string, string> = {}) {
  const start = performance.now();
  const argv = ["--import", "tsx", `deploy/${name}.ts`, ...args];
  const options = {
    cwd: CHECKOUT,
    encoding: "utf8",
    env: { ...process.env, HOME: home, ...env },
    timeout: 100_000,
  } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, options);
  return { status, stdout, stderr, took_ms: performance.now() - start };
}

function processes(): string[] {
  const lines = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n").slice(1);
  return lines.filter((line) =>
    /^(etcd|libvirtd|virtlogd|dnsmasq|\S*qemu-system)|runtime\/main\.ts|serve-image/.test(line),
  );
}

function links(): string[] {
  return JSON.parse(execFileSync("ip", ["-j", "link"], { encoding: "utf8" }))
    .map((it: { ifname: string }) => it.ifname)
    .sort();
}

test("npm stop: on a machine without a cloud it says so", () => {
  const { status, stdout } = program("stop");
  assert.equal(status, 0);
  assert.match(stdout, /there is no cloud/);
});

test("npm start: a taken port is named with its holder, and nothing stays", async () => {
  const server = createServer().listen(13000, "127.0.0.1");
  await once(server, "listening");
  const { status, stdout, stderr } = program("start");
  server.close();
  assert.equal(status, 1, stdout);
  assert.match(
    stderr,
    new RegExp(`npm start: port 13000, for the REST API, is taken by \\S+ \\(process ${process.pid}\\)`),
  );
  assertNothingLeft();
});

test("npm start: an etcd that cannot be reached is named", () => {
  const { status, stderr } = program("start", [], { SHAKENFIST_ETCD_HOSTS: "127.0.0.1:4001" });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /etcd cannot be used \(127\.0\.0\.1:4001: .*ECONNREFUSED.*unset SHAKENFIST_ETCD_HOSTS/,
  );
  assertNothingLeft();
});

test("npm start: brings up a cloud whose guest shows its login prompt", () => {
  const { status, stdout, stderr, took_ms } = program("start");
  assert.equal(status, 0, `${stdout}\n${stderr}\n${nodeLog()}`);
  assert.match(stdout, /✓ login prompt/);
  assert.match(stdout, /Shaken Fist runs on this machine/);
  assert.ok(took_ms < 60_000, `took ${took_ms} ms`);
  const tried = /Try next:\n {2}(\S+)( instance list)/.exec(stdout);
  const listed = spawnSync(join(CHECKOUT, tried?.[1] ?? ""), ["instance", "list"], {
    encoding: "utf8",
    env: { ...process.env, HOME: home },
  });
  assert.match(listed.stdout, /quick-start-1/);
});

test("npm start: a second one says that it runs already, and starts nothing", () => {
  const before = processes();
  const { status, stdout } = program("start");
  assert.equal(status, 0);
  assert.match(stdout, /runs already on this machine/);
  assert.deepEqual(processes(), before);
});

test("npm start: mends a cloud whose node has died", () => {
  const state = JSON.parse(readFileSync(join(STATE, "state.json"), "utf8"));
  process.kill(state.processes.node.pid, "SIGKILL");
  const { status, stdout, stderr } = program("start");
  assert.equal(status, 0, `${stdout}\n${stderr}\n${nodeLog()}`);
  assert.match(stdout, /✓ node: answers/);
});

test("npm stop: takes everything down; npm start brings it back", () => {
  const stopped = program("stop");
  assert.equal(stopped.status, 0, `${stopped.stdout}\n${stopped.stderr}`);
  assert.deepEqual(processes(), []);
  assert.deepEqual(links(), ["lo", "up0", "up1"]);
  assert.match(program("stop").stdout, /down already/);

  const { status, stdout, stderr } = program("start");
  assert.equal(status, 0, `${stdout}\n${stderr}\n${nodeLog()}`);
  assert.match(stdout, /✓ login prompt/);
});

test("npm stop -- --purge: nothing is left", () => {
  const { status, stdout, stderr } = program("stop", ["--purge"]);
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  assertNothingLeft();
  assert.deepEqual(readdirSync("/var/cache/shakenfist"), []);
  assert.deepEqual(readdirSync("/var/log/shakenfist"), []);
  assert.deepEqual(readdirSync("/srv/shakenfist"), []);
  fillCache();
});

for (const [fault, path, words] of [
  ["is not there", "/missing.qcow2", /404/],
  ["is a web page", "/page.qcow2", /instance quick-start-1/],
  ["is cut short", "/short.qcow2", /instance quick-start-1/],
] as const) {
  test(`npm start: an image that ${fault} is told of, and nothing stays`, async () => {
    const server = await faultyServer();
    const { status, stdout, stderr } = program("start", [], { IMAGE: `http://127.0.0.1:13999${path}` });
    server.kill();
    assert.equal(status, 1, stdout);
    assert.match(stderr, words);
    assertNothingLeft();
  });
}

test("npm start: interrupted, it takes down what it started, also when nobody reads its words", async () => {
  const server = await faultyServer();
  const env = { ...process.env, HOME: home, IMAGE: "http://127.0.0.1:13999/slow.qcow2" };
  const argv = ["--import", "tsx", "deploy/start.ts"];
  const start = spawn(process.execPath, argv, { cwd: CHECKOUT, env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  for await (const chunk of start.stdout) {
    said += chunk;
    if (said.includes("✓ network")) break;
  }
  const exit = once(start, "exit");
  start.kill("SIGINT");
  assert.deepEqual(await exit, [1, null]);
  server.kill();
  assertNothingLeft();
});

function nodeLog(): string {
  const log = "/var/log/shakenfist/node.log";
  return existsSync(log) ? readFileSync(log, "utf8").slice(-3000) : "";
}

function assertNothingLeft(): void {
  assert.deepEqual(processes(), []);
  assert.deepEqual(links(), ["lo", "up0", "up1"]);
  assert.equal(execFileSync("ip", ["netns", "list"], { encoding: "utf8" }), "");
  assert.equal(execFileSync("nft", ["list", "ruleset"], { encoding: "utf8" }), "");
  assert.equal(existsSync(STATE), false);
  assert.equal(existsSync(join(home, ".shakenfist")), false);
  const domains = existsSync("/etc/libvirt/qemu")
    ? readdirSync("/etc/libvirt/qemu").filter((name) => name.startsWith("sf"))
    : [];
  assert.deepEqual(domains, []);
}

/** A process of its own: this one waits for npm start and answers nobody. */
async function faultyServer() {
  const script = join(scratch, "faulty.mjs");
  writeFileSync(
    script,
    `import { createServer } from "node:http";
    createServer((request, response) => {
      if (request.url === "/page.qcow2") return response.setHeader("content-type", "text/html").end("<html>log in first</html>");
      if (request.url === "/slow.qcow2") return;
      if (request.url !== "/short.qcow2") return response.writeHead(404).end();
      response.writeHead(200, { "content-length": 100000 }).write("QFI");
      setTimeout(() => response.destroy(), 50);
    }).listen(13999, "127.0.0.1", () => console.log("ready"));`,
  );
  const server = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(server.stdout, "data");
  return server;
}

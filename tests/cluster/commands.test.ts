import { strict as assert } from "node:assert";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
const STATE = "/var/lib/shakenfist";

/** `npm run cluster -- …`, without npm. */
function cluster(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const argv = ["--import", "tsx", "deploy/cluster.ts", ...args];
  return spawnSync(process.execPath, argv, { cwd: CHECKOUT, encoding: "utf8", timeout: 180_000 });
}

function says(args: string[], words: RegExp): void {
  const { status, stdout, stderr } = cluster(...args);
  assert.equal(status, 0, stderr);
  assert.match(stdout, words);
}

function refuses(args: string[], words: RegExp, status = 1): void {
  const answer = cluster(...args);
  assert.equal(answer.status, status, answer.stdout);
  assert.match(answer.stderr, words);
}

const links = () => readdirSync("/sys/class/net").sort();

describe("npm run cluster", () => {
  before(() => {
    for (const directory of [STATE, "/run/lock"]) {
      mkdirSync(directory, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "tmpfs", directory]);
    }
  });
  after(() => cluster("down"));

  it("without a cluster: says so, and how to get one", () => {
    refuses(["status"], /no cluster on this machine; npm run cluster -- up --nodes 2 makes one/);
    refuses(["kill", "sf-1"], /no cluster on this machine/);
    says(["down"], /there is no cluster/);
    says([], /up --nodes N/);
  });

  for (const [args, words] of [
    [["bring"], /bring: no such command/],
    [["up"], /up: say how many: --nodes N/],
    [["up", "--nodes", "2", "--frob"], /up: Unknown option '--frob'/],
    [["up", "--nodes", "9"], /up: --nodes: give a number from 1 to 5/],
    [["up", "--nodes", "2", "--set", "LOGLEVEL"], /write it as NAME=value/],
    [["kill"], /kill: takes <host>/],
    [["heal", "sf-1"], /heal: takes no arguments/],
    [["exec", "sf-1"], /exec: takes <host> <command…>/],
  ] as const) {
    it(`${args.join(" ")}: is refused with the usage`, () => {
      refuses([...args], new RegExp(`${words.source}.*npm run cluster -- <command>`, "s"), 2);
    });
  }

  it("up where a link or an address is taken: names it, and makes nothing", () => {
    const found = links();
    execFileSync("ip", ["link", "add", "u-sf-1", "type", "bridge"]);
    refuses(["up", "--nodes", "1"], /a link named u-sf-1 is here already/);
    execFileSync("ip", ["link", "delete", "u-sf-1"]);
    execFileSync("ip", ["link", "add", "other", "type", "bridge"]);
    execFileSync("ip", ["address", "add", "10.66.0.77/16", "dev", "other"]);
    execFileSync("ip", ["link", "set", "other", "up"]);
    refuses(["up", "--nodes", "1"], /10\.66\.0\.0\/24, for the underlay, is in use .*choose another/);
    execFileSync("ip", ["link", "delete", "other"]);
    assert.deepEqual(links(), found);
    assert.deepEqual(readdirSync(STATE), []);
  });

  it("up whose node refuses its settings: says why, and leaves nothing", () => {
    const found = links();
    refuses(
      ["up", "--nodes", "1", "--set", "CONSOLE_PORTS=none"],
      /sf-1: node ended at its start.*CONSOLE_PORTS/s,
    );
    assert.deepEqual(links(), found);
    assert.deepEqual(readdirSync(STATE), []);
  });

  it("up: three members of etcd and a node; again: it runs already", () => {
    says(["up", "--nodes", "1", "--etcd", "3", "--mtu", "1600"], /sf-1 +10\.66\.0\.11 +answers/);
    says(["up", "--nodes", "2"], /a cluster runs already.*etcd-3 +10\.66\.0\.4 +healthy/s);
    assert.equal(readFileSync("/sys/class/net/sf-underlay/mtu", "utf8"), "1600\n");
  });

  it("the client: finds the API by the credentials that are told", () => {
    const env = { ...process.env, HOME: `${STATE}/cluster` };
    const argv = [`${CHECKOUT}dist/sf-client.js`, "--simple", "node", "list"];
    assert.match(execFileSync(process.execPath, argv, { env, encoding: "utf8" }), /sf-1,10\.66\.0\.11/);
  });

  it("exec: gives the output and the exit code of the program", () => {
    const { status, stdout } = cluster("exec", "sf-1", "--", "busybox", "sh", "-c", "hostname; exit 7");
    assert.deepEqual([status, stdout], [7, "sf-1\n"]);
    refuses(["exec", "sf-7", "true"], /no host is named 'sf-7'; there are etcd-1, etcd-2, etcd-3, sf-1/);
  });

  it("exec: what the terminal interrupts, however often, is the program inside", async () => {
    const script = "echo ready; read -r words; echo $words";
    const argv = ["--import", "tsx", "deploy/cluster.ts", "exec", "sf-1", "busybox", "sh", "-c", script];
    const child = spawn(process.execPath, argv, { cwd: CHECKOUT, stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    const ended = once(child, "close");
    await once(child.stdout, "data");
    for (let count = 0; count < 3; count++) {
      child.kill("SIGINT");
      await delay(100);
    }
    child.stdin.end("still here\n");
    assert.deepEqual([...(await ended), said], [0, null, "ready\nstill here\n"]);
  });

  it("kill of one etcd member of three: the node answers on", () => {
    says(["kill", "etcd-2"], /etcd-2 has lost its power/);
    says(["kill", "etcd-2"], /etcd-2 is off already/);
    says(["status"], /etcd-2 +10\.66\.0\.3 +off.*sf-1 +10\.66\.0\.11 +answers/s);
    refuses(["exec", "etcd-2", "true"], /etcd-2 is off: start it first/);
    says(["start", "etcd-2"], /etcd-2 answers/);
  });

  it("start after a boot that was interrupted: what is left of that ends first", () => {
    const file = `${STATE}/cluster/state.json`;
    const state = JSON.parse(readFileSync(file, "utf8"));
    delete state.hosts["etcd-2"];
    writeFileSync(file, JSON.stringify(state));
    says(["start", "etcd-2"], /etcd-2 answers/);
    const running = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    assert.equal(running.match(/^\/bin\/sh \S+host\.sh \S+ etcd-2$/gm)?.length, 1);
  });

  it("partition: is shown until heal", () => {
    says(["partition", "sf-1", "etcd-1"], /nothing passes between sf-1 and etcd-1/);
    says(["status"], /cut off +sf-1 and etcd-1/);
    assert.notEqual(cluster("exec", "sf-1", "ping", "-c", "1", "-W", "1", "etcd-1").status, 0);
    says(["heal"], /all hosts reach each other/);
    assert.doesNotMatch(cluster("status").stdout, /cut off/);
    says(["exec", "sf-1", "ping", "-c", "1", "-W", "3", "etcd-1"], /1 received/);
  });

  it("down: nothing is left", () => {
    says(["down"], /nothing of it is left/);
    assert.deepEqual(links(), ["lo"]);
    assert.deepEqual(readdirSync(STATE), []);
    assert.equal(existsSync("/run/lock/shakenfist-cluster.lock"), false);
  });
});

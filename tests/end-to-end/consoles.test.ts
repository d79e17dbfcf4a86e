// Consoles of real guests: both ways over the serial port, VNC, what is written as it is written, and logs that are rotated.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { after, before, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Instance } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { NODE_ADDRESS, STORAGE } from "../support/network-host.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const CLIENT = fileURLToPath(new URL("../../dist/sf-client.js", import.meta.url));
const BOOT_MS = 180_000;
const SOON_MS = 30_000;
const LOOPBACK = "127.0.0.1";
/** So small that a guest's writing rotates it in seconds. */
const VIRTLOGD = { file: "/etc/libvirt/virtlogd.conf", max_size: 65_536, files: 4 };
const PORTS = [31_000, 31_001, 31_002, 31_003];
const LINES = 5000;
const MIB = 1024 * 1024;

const numbered = (count: number) =>
  `n=0; while [ $n -lt ${count} ]; do n=$((n + 1)); echo "number $n of many"; done`;

describe("consoles of real guests", () => {
  let cloud: TestCloud;
  let guest: Instance;

  before(async () => {
    writeFileSync(
      "/run/virtlogd.conf",
      `max_size = ${VIRTLOGD.max_size}\nmax_backups = ${VIRTLOGD.files - 1}\n`,
    );
    execFileSync("mount", ["--bind", "/run/virtlogd.conf", VIRTLOGD.file]);
    cloud = await startCloud({ SHAKENFIST_CONSOLE_PORTS: `${PORTS[0]}-${PORTS.at(-1)}` });
  });
  after(() => cloud?.stop());

  const make = (name: string, more: object = {}): Promise<Instance> =>
    cloud.api.createInstance({ name, cpus: 1, memory: 64, disk: [{ size: 1 }], ...more });
  /** One that boots, and runs this. */
  const boot = (name: string, script: string): Promise<Instance> =>
    make(name, {
      memory: 192,
      disk: [{ size: 8, base: cloud.imageUrl }],
      user_data: Buffer.from(`#!/bin/sh\n${script}\n`).toString("base64"),
    });

  const logsOf = ({ uuid }: Instance) =>
    readdirSync(`${STORAGE}/instances/${uuid}`)
      .filter((name) => name.startsWith("console.log"))
      .map((name) => `${STORAGE}/instances/${uuid}/${name}`);
  const portKeys = async () =>
    (await cloud.store.list("port/")).map(({ key }) => Number(key.split("/").at(-1))).sort();

  it("GET /instances/{instance_ref}/console: has every byte from the first to the prompt, through rotations", async (t) => {
    guest = await boot("guest", numbered(LINES));
    assert.equal(guest.state, "created", guest.error_message ?? "");
    const client = follow(t, guest, "-1");
    await client.until(new RegExp(`number ${LINES} of many`));
    const text = await client.until(/ login: /);
    assertNumbers(text, 1, LINES);
    const rotated = logsOf(guest);
    assert.ok(rotated.length > 1, `no rotation: ${rotated}`);
    for (const file of rotated) assert.ok(statSync(file).size <= VIRTLOGD.max_size, file);
    await eventually("the event of the prompt", SOON_MS, async () => {
      const events = await cloud.api.listEvents("instances", guest.uuid);
      return events.find(({ operation, message }) => operation === "trigger" && message === "login prompt");
    });
  });

  it("GET …/consoledata: spans the rotated files", async () => {
    const kept = String(await cloud.api.getConsoleData(guest.uuid, -1));
    const sizes = logsOf(guest).map((file) => statSync(file).size);
    assert.ok(sizes.length > 1 && kept.length >= Math.max(...sizes) + 1, `${kept.length} of ${sizes}`);
    const length = VIRTLOGD.max_size + 5000;
    assert.ok(kept.endsWith(String(await cloud.api.getConsoleData(guest.uuid, length))));
    assert.equal((await cloud.api.getConsoleData(guest.uuid, length)).length, length);
  });

  it("the serial port: takes commands and shows what they write, to whoever follows too", async (t) => {
    const client = follow(t, guest, "1");
    await client.begun();
    const telnet = await openTelnet(t, guest.console_port ?? 0);
    telnet.type("\r");
    await telnet.until(/ login: /);
    telnet.type("root\r");
    await telnet.until(/# /);
    telnet.type("echo typed $((6 * 7))\r");
    assert.match(await telnet.until(/typed 42\r\n/), /echo typed \$\(\(6 \* 7\)\)/);
    await client.until(/typed 42\r\n/);
  });

  it("a node that stops: ends what is followed; the next one has what was written meanwhile", async (t) => {
    const client = follow(t, guest, "1");
    await client.begun();
    const telnet = await openTelnet(t, guest.console_port ?? 0);
    telnet.type("echo before $((1 + 1))\r");
    await client.until(/before 2\r\n/);
    await cloud.stopNode();
    assert.notEqual(await client.ended(), 0);
    assert.match(client.errors(), /\S/);
    telnet.type("echo meanwhile $((1 + 2))\r");
    await telnet.until(/meanwhile 3\r\n/);
    await cloud.startNode();
    const again = follow(t, guest, "1000");
    await again.until(/meanwhile 3\r\n/);
    telnet.type("echo after $((1 + 3))\r");
    await again.until(/after 4\r\n/);
    again.interrupt();
    assert.equal(await again.ended(), "SIGINT");
  });

  it("VNC and the serial port: greet on CONSOLE_ADDRESS, and on no other address", async () => {
    for (const port of [guest.console_port ?? 0, guest.vdi_port ?? 0]) {
      assert.deepEqual(listeners(port), [LOOPBACK]);
      await assert.rejects(firstBytes(NODE_ADDRESS, port), { code: "ECONNREFUSED" });
    }
    assert.equal(await firstBytes(LOOPBACK, guest.vdi_port ?? 0), "RFB 003.008\n");
  });

  it("SHAKENFIST_CONSOLE_ADDRESS: is where those of new guests listen", async () => {
    await cloud.stopNode();
    await cloud.startNode({ SHAKENFIST_CONSOLE_ADDRESS: NODE_ADDRESS });
    const other = await make("other");
    assert.deepEqual(listeners(other.console_port ?? 0), [NODE_ADDRESS]);
    assert.deepEqual(listeners(other.vdi_port ?? 0), [NODE_ADDRESS]);
    assert.equal(await firstBytes(NODE_ADDRESS, other.vdi_port ?? 0), "RFB 003.008\n");
    assert.deepEqual(await portKeys(), PORTS);
    await assert.rejects(make("one-too-many"), /no free console ports/);
    await cloud.api.deleteInstance(other.uuid);
    await cloud.stopNode();
    await cloud.startNode();
  });

  it("DELETE: ends what is followed, and frees the ports for the next one", async (t) => {
    const client = follow(t, guest, "1");
    await client.begun();
    const other = await make("other");
    assert.deepEqual(await portKeys(), PORTS);
    await cloud.api.deleteInstance(guest.uuid);
    assert.equal(await client.ended(), 0, client.errors());
    const { console_port, vdi_port } = guest;
    const freed = [console_port ?? 0, vdi_port ?? 0].sort();
    assert.deepEqual(freed.flatMap(listeners), []);
    assert.deepEqual(
      await portKeys(),
      PORTS.filter((port) => !freed.includes(port)),
    );
    const next = await make("next");
    assert.deepEqual([next.console_port ?? 0, next.vdi_port ?? 0].sort(), freed);
    for (const port of freed) assert.deepEqual(listeners(port), [LOOPBACK]);
    assert.ok((await cloud.api.getConsoleData(guest.uuid, -1)).length > VIRTLOGD.max_size, "the log is kept");
    for (const { uuid } of [other, next]) await cloud.api.deleteInstance(uuid);
  });

  it("a libvirt that does not rotate: the log is bounded while QEMU writes to it", async () => {
    writeFileSync("/run/libvirt/qemu.conf", 'cgroup_controllers = [ ]\nstdio_handler = "file"\n');
    await cloud.libvirtd.kill();
    await cloud.libvirtd.start();
    await cloud.stopNode();
    await cloud.startNode({ SHAKENFIST_CONSOLE_LOG_MIB: "1" });
    const script = `yes ${"x".repeat(1000)} | head -c ${2.5 * MIB}; echo; while sleep 0.2; do echo alive; done`;
    const noisy = await boot("noisy", script);
    const [log = ""] = logsOf(noisy);
    await eventually("more than is kept", BOOT_MS, () => statSync(log).size > 2.5 * MIB || undefined);
    // Its schedules run when it begins.
    await cloud.stopNode();
    await cloud.startNode({ SHAKENFIST_CONSOLE_LOG_MIB: "1" });
    const taken = await eventually("the hole", SOON_MS, () => {
      const { blocks } = statSync(log);
      return blocks * 512 < 1.5 * MIB ? blocks * 512 : undefined;
    });
    const { size } = statSync(log);
    console.log(`${log}: ${size} bytes long, takes ${taken}`);
    await eventually("more that is written", SOON_MS, () => statSync(log).size > size || undefined);
    const text = String(await cloud.api.getConsoleData(noisy.uuid, -1));
    assert.ok(text.length >= MIB && text.length < MIB + 10_000, `${text.length} bytes`);
    assert.ok(!text.includes("\0"), "a hole is read");
    assert.match(text, /x{1000}\r\n.*alive\r\n$/s);
    await cloud.api.deleteInstance(noisy.uuid);
  });

  interface Follower {
    /** All that was printed, once this is in it. */
    until(pattern: RegExp): Promise<string>;
    /** The last byte that was asked for is there. */
    begun(): Promise<void>;
    interrupt(): void;
    ended(): Promise<number | NodeJS.Signals | null>;
    errors(): string;
  }

  /** `sf-client instance consoledata --follow`. Of what is written before it begins it has the last `length` bytes. */
  function follow(t: TestContext, { uuid }: Instance, length: string): Follower {
    const who = ["--apiurl", cloud.apiUrl, "--namespace", "system", "--key", cloud.key, "--verbose"];
    const child = spawn(CLIENT, [...who, "instance", "consoledata", "--follow", uuid, length]);
    t.after(() => void child.kill("SIGKILL"));
    const outcome = outcomeOf(child);
    let out = "";
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("latin1")));
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk));
    const follower: Follower = {
      async until(pattern) {
        await eventually(`${pattern} on the console`, BOOT_MS, () => pattern.test(out) || undefined).catch(
          (error: Error) => {
            throw new Error(`${error.message}; it showed: ${out.slice(-500)}; ${errors}`);
          },
        );
        return out;
      },
      begun: () => follower.until(/./s).then(),
      interrupt: () => void child.kill("SIGINT"),
      ended: () => outcome,
      errors: () => errors,
    };
    return follower;
  }
});

async function outcomeOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return code ?? signal;
}

/** Each number once, in order. */
function assertNumbers(text: string, first: number, last: number): void {
  const numbers = [...text.matchAll(/number (\d+) of many/g)].map(([, number]) => Number(number));
  const wrong = numbers.findIndex((number, at) => number !== first + at);
  assert.equal(wrong, -1, `${numbers[wrong - 1]} is followed by ${numbers[wrong]}`);
  assert.equal(numbers.at(-1), last);
}

interface Telnet {
  type(text: string): void;
  /** All that came since the last time, once this is in it. */
  until(pattern: RegExp): Promise<string>;
}

async function openTelnet(t: TestContext, port: number): Promise<Telnet> {
  const socket = await open(LOOPBACK, port);
  t.after(() => socket.destroy());
  let text = "";
  // What the two ends agree on, each IAC and two bytes, is not text.
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1").replace(/\xff[\xfb-\xfe]./gs, "")));
  return {
    type: (typed) => void socket.write(typed),
    async until(pattern) {
      await eventually(`${pattern} by telnet`, SOON_MS, () => pattern.test(text) || undefined).catch(
        (error: Error) => {
          throw new Error(`${error.message}; it showed: ${JSON.stringify(text.slice(-500))}`);
        },
      );
      const came = text;
      text = "";
      return came;
    },
  };
}

async function open(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port });
  await once(socket, "connect", { signal: AbortSignal.timeout(SOON_MS) });
  return socket;
}

async function firstBytes(host: string, port: number): Promise<string> {
  const socket = await open(host, port);
  const [chunk] = (await once(socket, "data", { signal: AbortSignal.timeout(SOON_MS) })) as [Buffer];
  socket.destroy();
  return chunk.toString("latin1");
}

/** The IPv4 addresses on which something listens at this port. */
function listeners(port: number): string[] {
  assert.ok(!readFileSync("/proc/net/tcp6", "utf8").includes(`:${hex(port)} `), `IPv6 has ${port}`);
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  return rows.flatMap((row) => {
    const [, address = "", , state] = row.trim().split(/\s+/);
    if (state !== "0A" || !address.endsWith(`:${hex(port)}`)) return [];
    return [[...Buffer.from(address.slice(0, 8), "hex")].reverse().join(".")];
  });
}

const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");

// The power of real guests: what is asked of them, what they do by themselves and what befalls them, as users see it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { ApiClient } from "#shared/api/client.ts";
import type { Instance } from "#shared/api/types.ts";
import { eventually } from "../support/await.ts";
import { startCloud, type TestCloud } from "../support/cloud.ts";
import { type GuestWatch, watchGuests } from "../support/guest-watch.ts";
import { ACTS, isDone, powerAfter } from "../support/power-model.ts";
import { pick, seeded } from "../support/random.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const run = promisify(execFile);
const BOOT_MS = 180_000;
const NOTICE_MS = 30_000;
/** On an idle machine it takes a tenth of it. */
const AT_ONCE_S = 2;
const GUESTS = 5;
const CLIENTS = 4;
const OPERATIONS = 50;

const POWER_OF: Record<string, string> = { running: "on", "shut off": "off", paused: "paused" };

const script = (text: string): string => Buffer.from(`#!/bin/sh\n${text}\n`).toString("base64");
const OBEYS = script("echo obeys");
const IGNORES = script('killall acpid; echo "button ignored"');
const LEAVES = script("poweroff -f");

describe("the power of real guests", () => {
  let cloud: TestCloud;
  let watch: GuestWatch;
  before(async () => {
    cloud = await startCloud();
    watch = watchGuests(cloud.api);
  });
  after(() => cloud?.stop());

  const make = (name: string, user_data: string | null = null, more: object = {}) =>
    cloud.api.createInstance({
      ...{ name, cpus: 1, memory: 128, disk: [{ size: 8, base: cloud.imageUrl }], user_data, ...more },
    });
  const virsh = async (...args: string[]) => (await run("virsh", ["-q", ...args])).stdout.trim();
  const domain = ({ uuid }: Instance): string => `sf:${uuid}`;
  const pidOf = async (guest: Instance): Promise<number> =>
    Number(await readFile(`/run/libvirt/qemu/${domain(guest)}.pid`, "utf8"));

  describe("a guest that reacts to its power button", () => {
    let guest: Instance;
    before(async () => {
      guest = await make("obeys", OBEYS);
      await watch.untilConsole(guest, /login: /g);
    });
    after(() => cloud.api.deleteInstance(guest.uuid));

    it("POST pause, unpause, poweroff, poweron: each is so in libvirt when it is answered", async () => {
      const acts = [
        ["pause", "paused", "paused"],
        ["poweron", "on", "running"],
        ["pause", "paused", "paused"],
        ["unpause", "on", "running"],
        ["poweroff", "off", "shut off"],
        ["poweron", "on", "running"],
      ] as const;
      for (const [act, power, state] of acts) {
        await cloud.api.actOnInstance(guest.uuid, act);
        assert.equal(await virsh("domstate", domain(guest)), state, act);
        assert.equal((await watch.shown(guest)).power_state, power, act);
      }
    });

    it("POST reboothard: it starts from the beginning, in the same process", async () => {
      const pid = await pidOf(guest);
      await cloud.api.actOnInstance(guest.uuid, "reboothard");
      await watch.untilConsole(guest, /login: /g, 2);
      assert.equal(await pidOf(guest), pid);
    });

    it("POST rebootsoft: it goes down by itself and starts anew, which is told; it is never off", async () => {
      const offs = async () =>
        (await watch.eventsOf(guest)).filter(({ operation }) => operation === "detected poweroff").length;
      const before = await offs();
      await cloud.api.actOnInstance(guest.uuid, "rebootsoft");
      await watch.untilTold(guest, "detected reboot");
      await watch.untilConsole(guest, /login: /g, 3);
      assert.equal((await watch.shown(guest)).power_state, "on");
      assert.equal(await offs(), before);
    });

    it("POST rebootsoft, and libvirtd dies at that moment: it comes up again all the same", async () => {
      await cloud.api.actOnInstance(guest.uuid, "rebootsoft");
      await cloud.libvirtd.kill();
      await cloud.libvirtd.start();
      await watch.untilConsole(guest, /login: /g, 4);
      await watch.untilPower(guest, "on");
      assert.equal(await virsh("domstate", domain(guest)), "running");
    });
  });

  it("POST rebootsoft: a guest that ignores its power button stays on; one that ends instead is started again", async () => {
    const guest = await make("ignores", IGNORES);
    await watch.untilConsole(guest, /button ignored/g);
    await cloud.api.actOnInstance(guest.uuid, "rebootsoft");
    const { state, power_state } = await watch.shown(guest);
    assert.deepEqual([state, power_state], ["created", "on"]);
    await virsh("destroy", domain(guest));
    await watch.untilTold(guest, "reboot", "started again");
    await watch.untilPower(guest, "on");
    assert.equal(await virsh("domstate", domain(guest)), "running");
    await cloud.api.deleteInstance(guest.uuid);
  });

  it("a guest that powers itself off: is off within two seconds, and told of", async () => {
    const guest = await make("leaves", LEAVES);
    const pid = await pidOf(guest);
    const ended = await eventually("its QEMU ends", BOOT_MS, () => {
      try {
        process.kill(pid, 0);
        return undefined;
      } catch {
        return Date.now() / 1000;
      }
    });
    await watch.untilPower(guest, "off");
    const told = await watch.untilTold(guest, "detected poweroff");
    const { power_state_updated } = await watch.shown(guest);
    const late = Math.max(told.timestamp, power_state_updated ?? Number.NaN) - ended;
    console.log(`off in the record ${late.toFixed(3)} s after the end of its QEMU was seen`);
    assert.ok(late < AT_ONCE_S, `${late} s`);
    await cloud.api.deleteInstance(guest.uuid);
  });

  describe("what befalls a domain", () => {
    const kill = async (guest: Instance) => void process.kill(await pidOf(guest), "SIGKILL");
    const crashed = async (guest: Instance) => {
      const now = await eventually(`${guest.name} is in error`, NOTICE_MS, async () => {
        const it = await watch.shown(guest);
        return it.state === "error" ? it : undefined;
      });
      assert.equal(now.power_state, "crashed");
      assert.match(now.error_message ?? "", /^the guest crashed; its disks are kept/);
      await cloud.api.deleteInstance(guest.uuid);
    };
    const away = async (work: () => Promise<void>) => {
      await cloud.libvirtd.kill();
      await work();
      await cloud.libvirtd.start();
    };

    it("its QEMU is killed: an error at once", async () => {
      const guest = await make("killed");
      await kill(guest);
      await crashed(guest);
    });

    it("its QEMU is killed while libvirtd is away: an error when it is back", async () => {
      const guest = await make("unseen");
      await away(() => kill(guest));
      await crashed(guest);
    });

    it("its QEMU is killed while the node is away: an error when that is back", async () => {
      const guest = await make("alone");
      await cloud.stopNode("SIGKILL");
      await kill(guest);
      await cloud.startNode();
      await crashed(guest);
    });

    it("it is undefined and destroyed by hand: off at once; a power-on makes it anew", async () => {
      const guest = await make("vanished");
      await virsh("undefine", domain(guest));
      await virsh("destroy", domain(guest));
      await watch.untilPower(guest, "off");
      await watch.untilTold(guest, "detected poweroff");
      await cloud.api.actOnInstance(guest.uuid, "poweron");
      assert.equal(await virsh("domstate", domain(guest)), "running");
      await cloud.api.deleteInstance(guest.uuid);
    });

    it("it vanishes while the node is away: off when that is back", async () => {
      const guest = await make("missed");
      await cloud.stopNode("SIGKILL");
      await virsh("undefine", domain(guest));
      await virsh("destroy", domain(guest));
      await cloud.startNode();
      await watch.untilPower(guest, "off");
      await cloud.api.deleteInstance(guest.uuid);
    });

    it("it cannot be started, its disk is gone: 409 with the reason, and it is off, not crashed", async () => {
      const guest = await make("diskless");
      await cloud.api.actOnInstance(guest.uuid, "poweroff");
      await run("rm", [`/srv/shakenfist/instances/${guest.uuid}/vda`]);
      await assert.rejects(cloud.api.actOnInstance(guest.uuid, "poweron"), {
        status: 409,
        message: /cannot poweron: libvirt: .*No such file/,
      });
      const { state, power_state } = await watch.shown(guest);
      assert.deepEqual([state, power_state], ["created", "off"]);
      await cloud.api.deleteInstance(guest.uuid);
    });
  });

  it(`${OPERATIONS} power calls on ${GUESTS} guests from ${CLIENTS} clients at once: each guest ends as the last accepted one says`, async () => {
    const seed = Number(process.env.SF_TEST_SEED ?? Date.now() % 2 ** 31);
    console.log(`SF_TEST_SEED=${seed}`);
    const random = seeded(seed);
    const guests = await Promise.all(Array.from({ length: GUESTS }, (_, index) => make(`busy-${index}`)));
    const calls = Array.from({ length: OPERATIONS }, () => ({
      guest: pick(random, guests),
      act: pick(random, ACTS),
    }));
    const refusals: string[] = [];
    const accepted = new Map<string, number>();
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const client = new ApiClient({ url: cloud.apiUrl, namespace: "system", key: cloud.key });
        for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
          const { guest, act } = call;
          try {
            await client.actOnInstance(guest.uuid, act);
            accepted.set(guest.uuid, (accepted.get(guest.uuid) ?? 0) + 1);
          } catch (error) {
            const { status, message } = error as { status?: number; message: string };
            assert.equal(status, 409, `${act}: ${message}`);
            refusals.push(`${act}: ${message}`);
          }
        }
      }),
    );
    for (const guest of guests) {
      const expected = accepted.get(guest.uuid) ?? 0;
      const history = await eventually(`all events of ${guest.name}`, NOTICE_MS, async () => {
        const events = await watch.eventsOf(guest);
        return events.filter(isDone).length === expected ? events : undefined;
      });
      const { power, acts } = powerAfter(history, guest.name);
      console.log(`${guest.name}: ${acts.join(" ")} -> ${power}`);
      await watch.untilPower(guest, power);
      assert.equal(POWER_OF[await virsh("domstate", domain(guest))], power, guest.name);
    }
    console.log(`${refusals.length} were refused`);
    assert.deepEqual(await cloud.api.listLocks(), {});
    await Promise.all(guests.map(({ uuid }) => cloud.api.deleteInstance(uuid)));
  });
});

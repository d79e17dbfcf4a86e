// Logs of consoles as virtlogd and QEMU write them: renamed and removed while they are read.
import { strict as assert } from "node:assert";
import { renameSync, rmSync } from "node:fs";
import { appendFile, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { followConsole, readConsole } from "#shared/instances/console.ts";
import { followConsoles } from "#shared/instances/console-triggers.ts";
import { consoleWatches } from "#shared/instances/console-watch.ts";
import { eventually } from "../../support/await.ts";
import { follow, line, openScene, readAll, virtlogd } from "../../support/console-logs.ts";

describe("followConsole", () => {
  it("begins with the last bytes, goes on with what is written, ends when it is told to", async (t) => {
    const scene = await openScene(t);
    await appendFile(scene.log, "0123456789");
    const follower = follow(t, scene, 4);
    await follower.has("6789");
    await appendFile(scene.log, "abc");
    await follower.has("abc");
    assert.equal(follower.got.text, "6789abc");
    follower.stop();
    await follower.done;
    assert.equal(consoleWatches(scene.cloud), 0);
  });

  it("begins before there is a log, or a place for it", async (t) => {
    const scene = await openScene(t);
    await rm(dirname(scene.log), { recursive: true, force: true });
    const follower = follow(t, scene);
    await turn();
    await mkdir(dirname(scene.log));
    // The record says when the disks are there.
    await scene.f.call("PUT", `/instances/${scene.uuid}/metadata/a`, { value: "b" });
    await eventually("a watch", 5000, () => consoleWatches(scene.cloud) === 1 || undefined);
    await appendFile(scene.log, "first");
    await follower.has("first");
  });

  it("ends when the instance is deleted, with all that was written", async (t) => {
    const scene = await openScene(t);
    const follower = follow(t, scene);
    await appendFile(scene.log, "the end");
    await scene.f.call("DELETE", `/instances/${scene.uuid}`);
    await follower.done;
    assert.deepEqual(follower.got, { text: "the end", over: true });
  });

  it("misses and doubles no byte while the log is rotated, neither fast nor slow", async (t) => {
    const scene = await openScene(t);
    const written = virtlogd(scene.log, 8192);
    const fast = follow(t, scene, -1);
    const slow = follow(t, scene, -1, () => new Promise((resolve) => setTimeout(resolve, 3)));
    let expected = "";
    for (let count = 0; count < 30_000; count++) {
      const text = line(count);
      expected += text;
      written.write(text);
      if (count % 16 === 0) await turn();
      // The slow one is waited for before what it has not read is gone.
      while (expected.length - slow.got.text.length > 16_000) await turn();
    }
    written.close();
    for (const { has, got } of [fast, slow]) {
      await has(line(29_999));
      assert.ok(got.text === expected, `${got.text.length} of ${expected.length} bytes`);
    }
  });

  it("goes on with the oldest byte there is when what it had not read is gone", async (t) => {
    const scene = await openScene(t);
    const written = virtlogd(scene.log, 1000);
    const stop = new AbortController();
    t.after(() => stop.abort());
    const chunks = followConsole(scene.cloud, scene.uuid, { length: -1, signal: stop.signal });
    written.write(line(0));
    assert.equal(String((await chunks.next()).value), line(0));
    for (let count = 1; count < 1000; count++) written.write(line(count));
    written.close();
    let text = "";
    while (!text.endsWith(line(999))) text += String((await chunks.next()).value);
    await chunks.return(undefined);
    const numbers = [...text.matchAll(/line (\d+)\n/g)].map(([, number]) => Number(number));
    const jumps = numbers.filter((number, at) => at > 0 && number !== (numbers[at - 1] ?? 0) + 1);
    assert.equal(jumps.length, 1, `jumps to ${jumps}`);
    assert.equal(text.length % line(0).length, 0);
  });

  it("followers of one console share one watch of the kernel", async (t) => {
    const scene = await openScene(t);
    const followers = [1, 2, 3].map(() => follow(t, scene));
    await eventually("a watch", 5000, () => consoleWatches(scene.cloud) === 1 || undefined);
    await turn();
    await appendFile(scene.log, "told to all");
    for (const { has } of followers) await has("told to all");
    followers[0]?.stop();
    await followers[0]?.done;
    await appendFile(scene.log, ", and to the rest");
    for (const { has } of followers.slice(1)) await has("and to the rest");
    assert.equal(consoleWatches(scene.cloud), 1);
    for (const { stop } of followers) stop();
    await Promise.all(followers.map(({ done }) => done));
    assert.equal(consoleWatches(scene.cloud), 0);
  });
});

describe("readConsole", () => {
  it("the last bytes: span the rotated files", async (t) => {
    const scene = await openScene(t);
    const written = virtlogd(scene.log, 1000);
    let expected = "";
    for (let count = 0; count < 400; count++) {
      written.write(line(count));
      expected += line(count);
    }
    written.close();
    for (const length of [1, 500, 1001, 2500])
      assert.equal(await readAll(scene, length), expected.slice(-length));
    const whole = await readAll(scene);
    assert.ok(whole.length > 3000 && expected.endsWith(whole), `${whole.length} bytes`);
    assert.equal(await readAll(scene, 1e12), whole);
  });

  it("is over at what was its end, however fast the guest writes", async (t) => {
    const scene = await openScene(t);
    await appendFile(scene.log, "x".repeat(200_000));
    let text = "";
    for await (const chunk of readConsole(scene.cloud, scene.uuid, -1)) {
      text += chunk;
      await appendFile(scene.log, "y".repeat(100_000));
    }
    assert.equal(text, "x".repeat(200_000));
  });
});

describe("followConsoles", () => {
  it("tells each piece with the line that it goes on, through a rotation", async (t) => {
    const scene = await openScene(t);
    const told: { before: string; text: string }[] = [];
    t.after(followConsoles(scene.cloud, ({ before, text }) => told.push({ before, text })));
    const text = () => told.map((each) => each.text).join("");
    await eventually("a watch", 5000, () => consoleWatches(scene.cloud) === 1 || undefined);
    await turn();
    await appendFile(scene.log, "welcome\nguest log");
    await eventually("the first piece", 5000, () => text().includes("guest log") || undefined);
    renameSync(scene.log, `${scene.log}.0`);
    await appendFile(scene.log, "in: ");
    await eventually("the second piece", 5000, () => text().includes("in: ") || undefined);
    assert.deepEqual(told.at(-1), { before: "guest log", text: "in: " });
  });

  it("stops with the instance, and gives its watch back", async (t) => {
    const scene = await openScene(t);
    t.after(followConsoles(scene.cloud, () => {}));
    await eventually("a watch", 5000, () => consoleWatches(scene.cloud) === 1 || undefined);
    await scene.f.call("DELETE", `/instances/${scene.uuid}`);
    await eventually("no watch", 5000, () => consoleWatches(scene.cloud) === 0 || undefined);
    rmSync(dirname(scene.log), { recursive: true, force: true });
  });
});

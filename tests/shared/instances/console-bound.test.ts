// Logs of consoles that nobody rotates, cut while QEMU writes to them and clients read them.
import { strict as assert } from "node:assert";
import { closeSync, openSync, writeSync } from "node:fs";
import { appendFile, stat } from "node:fs/promises";
import { describe, it } from "node:test";
import { followConsole } from "#shared/instances/console.ts";
import { boundConsoles } from "#shared/instances/console-bound.ts";
import { eventually } from "../../support/await.ts";
import { follow, line, openScene, readAll, type Scene, virtlogd } from "../../support/console-logs.ts";

const MIB = 1024 * 1024;

describe("boundConsoles", () => {
  const bound = ({ cloud }: Scene) => boundConsoles(cloud, new AbortController().signal);
  const takes = async (file: string): Promise<number> => (await stat(file)).blocks * 512;

  it("a log that nobody rotates: keeps its end, while QEMU holds it open", async (t) => {
    const scene = await openScene(t, { CONSOLE_LOG_MIB: "1" });
    const qemu = openSync(scene.log, "a");
    t.after(() => closeSync(qemu));
    const follower = follow(t, scene, -1);
    let expected = "";
    for (let round = 0; round < 8; round++) {
      const text = line(round).repeat(MIB / line(round).length);
      writeSync(qemu, text);
      expected += text;
      await eventually(
        "what was written",
        20_000,
        () => follower.got.text.length === expected.length || undefined,
      );
      await bound(scene);
      assert.ok((await takes(scene.log)) <= 2 * MIB + 4096, `${await takes(scene.log)} bytes`);
      assert.equal(await readAll(scene), expected.slice(-MIB));
    }
    assert.ok(follower.got.text === expected);
  });

  it("who follows and is further behind than what is kept: goes on there, and reads no hole", async (t) => {
    const scene = await openScene(t, { CONSOLE_LOG_MIB: "1" });
    const chunks = followConsole(scene.cloud, scene.uuid, { length: 0, signal: AbortSignal.timeout(20_000) });
    const first = chunks.next();
    await appendFile(scene.log, "begin");
    assert.equal(String((await first).value), "begin");
    await appendFile(scene.log, "x".repeat(5 * MIB));
    await bound(scene);
    let text = "";
    while (text.length < MIB) text += String((await chunks.next()).value);
    await chunks.return(undefined);
    assert.ok(text === "x".repeat(MIB), `${text.length} bytes`);
  });

  it("files rotated by a virtlogd that keeps more: are emptied once newer ones have what is kept", async (t) => {
    const scene = await openScene(t, { CONSOLE_LOG_MIB: "1" });
    const written = virtlogd(scene.log, MIB);
    for (const letter of "abcd") written.write(letter.repeat(MIB));
    written.write("e".repeat(10));
    written.close();
    const before = await readAll(scene);
    assert.equal(before, "d".repeat(MIB - 10) + "e".repeat(10));
    await bound(scene);
    assert.deepEqual([await takes(`${scene.log}.1`), await takes(`${scene.log}.0`)], [0, MIB]);
    assert.equal(await readAll(scene), before);
  });

  it("a log that is small enough: is left as it is", async (t) => {
    const scene = await openScene(t);
    await appendFile(scene.log, "x".repeat(MIB));
    const { mtimeMs } = await stat(scene.log);
    await bound(scene);
    assert.equal((await stat(scene.log)).mtimeMs, mtimeMs);
    assert.deepEqual(
      scene.f.exec.runs.filter(({ program }) => program === "fallocate"),
      [],
    );
  });
});

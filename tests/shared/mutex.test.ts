import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { openMutex } from "#shared/mutex.ts";

/** Work that ends when it is told to, and how often it was begun. */
function gated() {
  const gates: { resolve(value: number): void; reject(error: Error): void }[] = [];
  const work = () => new Promise<number>((resolve, reject) => void gates.push({ resolve, reject }));
  return { work, gates };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("openMutex", () => {
  it("run: goes one at a time by name, in the order of asking", async () => {
    const mutex = openMutex();
    const { work, gates } = gated();
    const both = [mutex.run("a", work), mutex.run("a", work)];
    const other = mutex.run("b", work);
    await turn();
    assert.equal(gates.length, 2);
    for (const gate of gates) gate.resolve(1);
    await Promise.all([both[0], other]);
    await turn();
    gates[2]?.resolve(2);
    assert.deepEqual(await Promise.all(both), [1, 2]);
  });

  it("join: whoever comes while one waits shares its outcome, not that of one that runs", async () => {
    const mutex = openMutex();
    const { work, gates } = gated();
    const asked = [mutex.join("a", work), mutex.join("a", work)];
    await turn();
    asked.push(mutex.join("a", work));
    gates[0]?.resolve(1);
    await turn();
    gates[1]?.resolve(2);
    assert.deepEqual(await Promise.all(asked), [1, 1, 2]);
  });

  it("share: takes work that began late enough, while it goes on and after, and begins anew otherwise", async () => {
    const mutex = openMutex();
    const { work, gates } = gated();
    let mark = 7;
    const share = (enough: number) => mutex.share("a", () => mark, enough, work);
    const asked = [share(7)];
    await turn();
    asked.push(share(7), share(6));
    gates[0]?.resolve(1);
    await turn();
    asked.push(share(7));
    mark = 8;
    asked.push(share(8));
    await turn();
    assert.equal(gates.length, 2);
    gates[1]?.resolve(2);
    assert.deepEqual(await Promise.all(asked), [1, 1, 1, 1, 2]);
  });

  it("share: work that fails is done anew by whoever meant to share it, and forgotten", async () => {
    const mutex = openMutex();
    const { work, gates } = gated();
    const share = () => mutex.share("a", () => 1, 1, work);
    const first = share();
    await turn();
    const second = share();
    gates[0]?.reject(new Error("broken"));
    await assert.rejects(first, /broken/);
    await turn();
    gates[1]?.reject(new Error("broken again"));
    await assert.rejects(second, /broken again/);
    const third = share();
    await turn();
    gates[2]?.resolve(3);
    assert.equal(await third, 3);
  });
});

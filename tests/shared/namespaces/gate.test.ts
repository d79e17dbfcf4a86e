import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { isKind } from "#shared/errors.ts";
import { openGate } from "#shared/namespaces/gate.ts";

const right = async () => "key";
const wrong = async () => undefined;

describe("gate", () => {
  it("turn: one at a time, in the order of asking", async () => {
    const gate = openGate();
    const log: string[] = [];
    const ends: (() => void)[] = [];
    const works = ["a", "b", "c"].map((name) =>
      gate.turn(async () => {
        log.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
        return name;
      }),
    );
    for (const [index, expected] of [["a"], ["a", "b"], ["a", "b", "c"]].entries()) {
      assert.deepEqual(log, expected);
      ends[index]?.();
      await works[index];
    }
    assert.deepEqual(await Promise.all(works), ["a", "b", "c"]);
  });

  it("turn: work that fails gives its place back", async () => {
    const gate = openGate();
    const failing = Array.from({ length: 10 }, () => gate.turn(() => Promise.reject(new Error("no"))));
    assert.ok((await Promise.allSettled(failing)).every(({ status }) => status === "rejected"));
    assert.equal(await gate.turn(right), "key");
  });

  it("attempt: only failures count, and only for their name and their minute", async () => {
    const gate = openGate();
    let now = 1000;
    const attempt = (name: string, work: () => Promise<string | undefined>) =>
      gate.attempt(name, () => now, work);
    for (let count = 0; count < 50; count++) assert.equal(await attempt("one", right), "key");
    for (let count = 0; count < 10; count++) assert.equal(await attempt("one", wrong), undefined);
    await assert.rejects(attempt("one", right), (error) => {
      assert.ok(isKind(error, "throttled"));
      assert.equal(error.detail.retry_after_s, 60);
      return true;
    });
    assert.equal(await attempt("two", wrong), undefined);
    now += 59;
    await assert.rejects(attempt("one", right), /try again in 1 s/);
    now += 1;
    assert.equal(await attempt("one", right), "key");
  });

  it("attempt: work that throws is no failure of the key", async () => {
    const gate = openGate();
    const now = () => 0;
    for (let count = 0; count < 20; count++)
      await assert.rejects(
        gate.attempt("one", now, () => Promise.reject(new Error("away"))),
        /away/,
      );
    assert.equal(await gate.attempt("one", now, right), "key");
  });

  it("attempt: of many names the oldest is forgotten, no more", async () => {
    const gate = openGate();
    const now = () => 0;
    const fail = async (name: string, times: number) => {
      for (let count = 0; count < times; count++) await gate.attempt(name, now, wrong);
    };
    await fail("first", 10);
    await fail("second", 10);
    for (let count = 0; count < 999; count++) await fail(`name ${count}`, 1);
    assert.equal(await gate.attempt("first", now, right), "key");
    await assert.rejects(gate.attempt("second", now, right), /too many wrong keys/);
  });
});

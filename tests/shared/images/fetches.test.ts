import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NewEvent } from "#shared/cloud.ts";
import { openFetches } from "#shared/images/fetches.ts";
import type { Recorder } from "#shared/images/tools.ts";

const event = (operation: string): NewEvent => ({ operation, phase: null });

/** Who was told what, and work that goes on when it is told to. */
function bench() {
  const fetches = openFetches();
  let begun = 0;
  let stopped = false;
  let record: Recorder = () => {};
  let end: (value: string) => void = () => {};
  const work = (told: Recorder, signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      begun += 1;
      record = told;
      end = resolve;
      signal.addEventListener("abort", () => {
        stopped = true;
        reject(signal.reason);
      });
    });
  return {
    join: (record: Recorder, signal?: AbortSignal) => fetches.join("it", { record, signal }, work),
    begun: () => begun,
    stopped: () => stopped,
    tell: (words: string) => record(event(words)),
    end: (value: string) => end(value),
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

function listener(): Recorder & { heard: (string | null)[] } {
  const heard: (string | null)[] = [];
  return Object.assign(({ operation }: NewEvent) => void heard.push(operation), { heard });
}

describe("fetches", () => {
  it("many who want the same: it is done once, and each is told everything once, also who comes late", async () => {
    const b = bench();
    const [early, late] = [listener(), listener()];
    const first = b.join(early);
    const twice = b.join(early);
    await b.settled();
    b.tell("one");
    const second = b.join(late);
    b.tell("two");
    b.end("done");
    assert.deepEqual(await Promise.all([first, twice, second]), ["done", "done", "done"]);
    assert.equal(b.begun(), 1);
    assert.deepEqual(
      [early.heard, late.heard],
      [
        ["one", "two"],
        ["one", "two"],
      ],
    );
  });

  it("one who leaves: goes at once, and the others get it", async () => {
    const b = bench();
    const stop = new AbortController();
    const left = b.join(listener(), stop.signal);
    const stays = b.join(listener());
    await b.settled();
    stop.abort();
    await assert.rejects(left, { kind: "unreachable", message: "image: stopped" });
    assert.equal(b.stopped(), false);
    b.end("done");
    assert.equal(await stays, "done");
  });

  it("the last one who leaves: ends it, and whoever comes then begins anew", async () => {
    const b = bench();
    const stops = [new AbortController(), new AbortController()];
    const waits = stops.map(({ signal }) => b.join(listener(), signal));
    await b.settled();
    for (const stop of stops) stop.abort(new Error("over"));
    await Promise.allSettled(waits);
    assert.equal(b.stopped(), true);
    const next = b.join(listener());
    await b.settled();
    assert.equal(b.begun(), 2);
    b.end("anew");
    assert.equal(await next, "anew");
  });

  it("what fails: fails for all who wait, and is tried again by who comes then", async () => {
    const fetches = openFetches();
    const failing = () => fetches.join("it", { record: () => {} }, () => Promise.reject(new Error("no")));
    const outcomes = await Promise.allSettled([failing(), failing()]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["rejected", "rejected"],
    );
    assert.equal(await fetches.join("it", { record: () => {} }, async () => "yes"), "yes");
  });
});

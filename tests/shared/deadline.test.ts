import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openDeadline } from "#shared/deadline.ts";

const run = promisify(execFile);
const source = fileURLToPath(import.meta.resolve("#shared/deadline.ts"));

describe("deadline", () => {
  it("openDeadline: comes also when garbage is collected meanwhile, as part of other signals", async () => {
    const program = `
      import { openDeadline } from ${JSON.stringify(source)};
      const stop = new AbortController();
      const signal = AbortSignal.any([stop.signal, openDeadline(20).signal]);
      setTimeout(() => globalThis.gc(), 1);
      const alive = setTimeout(() => {}, 30_000);
      signal.addEventListener("abort", () => {
        console.log(signal.reason.name);
        clearTimeout(alive);
      });`;
    const args = ["--expose-gc", "--import", "tsx", "--input-type=module", "-e", program];
    assert.equal((await run(process.execPath, args, { timeout: 10_000 })).stdout, "TimeoutError\n");
  });

  it("openDeadline: no time is over at once", () => {
    assert.ok(openDeadline(0).signal.aborted);
    assert.ok(openDeadline(-5).signal.aborted);
  });

  it("clear: it does not come any more", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const [one, other] = [openDeadline(1000), openDeadline(1000)];
    other.clear();
    t.mock.timers.tick(2000);
    assert.deepEqual([one.signal.aborted, other.signal.aborted], [true, false]);
  });
});

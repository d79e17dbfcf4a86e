import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { isKind } from "#shared/errors.ts";
import { parseFailpoint } from "../../runtime/failpoint.ts";

/** How often the work was done in so many runs of the step, and how many of them failed. */
async function tried(text: string, runs: number, job = "instances/start", step = "createDisks") {
  const failpoint = parseFailpoint(text);
  let done = 0;
  let failed = 0;
  const work = async () => void done++;
  for (let run = 0; run < runs; run++) await failpoint.around(job, step, work).catch(() => failed++);
  return { done, failed };
}

describe("failpoint", () => {
  it("parseFailpoint: none does the work and nothing else", async () => {
    assert.deepEqual(await tried("", 3), { done: 3, failed: 0 });
  });

  it("parseFailpoint: twice does the work two times", async () => {
    assert.deepEqual(await tried("instances/start:createDisks:twice", 2), { done: 4, failed: 0 });
  });

  it("parseFailpoint: fail-once and fail-always do the work and fail", async () => {
    assert.deepEqual(await tried("instances/start:createDisks:fail-once", 3), { done: 3, failed: 1 });
    assert.deepEqual(await tried("instances/start:createDisks:fail-always", 3), { done: 3, failed: 3 });
  });

  it("parseFailpoint: other jobs and other steps are left alone", async () => {
    const text = "instances/start:createDisks:fail-always";
    assert.deepEqual(await tried(text, 1, "instances/delete"), { done: 1, failed: 0 });
    assert.deepEqual(await tried(text, 1, "instances/start", "createDomain"), { done: 1, failed: 0 });
  });

  it("parseFailpoint: refuses what it does not know", () => {
    for (const text of ["x", "a:b", "a:b:sometimes"])
      assert.throws(
        () => parseFailpoint(text),
        (error) => isKind(error, "malformed"),
        text,
      );
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { openProgress } from "../../deploy/lib/progress.ts";

function capture(isTTY: boolean) {
  const written: string[] = [];
  let time = 0;
  const output = { isTTY, columns: 40, write: (text: string) => written.push(text) };
  return { written, progress: openProgress(output, () => (time += 500)) };
}

test("step: in a log, one line with time, title and fact", async () => {
  const { written, progress } = capture(false);
  const answer = await progress.step("etcd", async (note) => {
    note("starting");
    return "runs";
  });
  assert.equal(answer, "runs");
  assert.equal(written.length, 1);
  assert.match(written[0] ?? "", /^ {2}\d\.\d s {2}✓ etcd: runs\n$/);
});

test("step: on a terminal, the line is rewritten in place and never wraps", async () => {
  const { written, progress } = capture(true);
  await progress.step(
    "image",
    async (note) => {
      note("x".repeat(100));
      return 5;
    },
    (value) => `${value} bytes`,
  );
  assert.ok(written.every((text) => text.startsWith("\r\x1b[K")));
  assert.equal(written[1]?.length, "\r\x1b[K".length + 39);
  assert.match(written.at(-1) ?? "", /✓ image: 5 bytes\n$/);
});

test("step: a failure is marked and passed on", async () => {
  const { written, progress } = capture(false);
  const failing = progress.step("node", async () => Promise.reject(new Error("no")));
  await assert.rejects(failing, /no/);
  assert.match(written.join(""), /✗ node: failed\n$/);
});

// The exec port with real programs.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { isKind } from "../../../../shared/errors.ts";
import { realExec } from "../../../../shared/ports/exec/real.ts";
import { execContract } from "./contract.ts";

execContract("real", () => ({
  exec: realExec,
  succeeding: ["echo", ["hello"]],
  failing: ["ls", ["/nowhere-at-all"]],
}));

test("run: a program that is not installed is named", async () => {
  await assert.rejects(
    realExec.run("no-such-program", []),
    /^CloudError: no-such-program: is not installed$/,
  );
});

test("run: gives the input and closes it", async () => {
  const { stdout } = await realExec.run("cat", [], { input: "a\nb\n" });
  assert.equal(stdout, "a\nb\n");
});

test("run: a program that reads none of a large input is no failure", async () => {
  const { code } = await realExec.run("true", [], { input: "x".repeat(1024 * 1024) });
  assert.equal(code, 0);
});

test("run: a time-out ends the program and its children", async () => {
  const running = realExec.run("sh", ["-c", "sleep 7531 & wait"], { timeout_ms: 300 });
  await assert.rejects(running, (error) => isKind(error, "unavailable"));
  await untilGone("sleep 7531");
});

test("run: an abort ends the program", async () => {
  const controller = new AbortController();
  const running = realExec.run("sleep", ["7532"], { signal: controller.signal });
  controller.abort();
  await assert.rejects(running, (error) => isKind(error, "unavailable"));
  await untilGone("sleep 7532");
});

test("run: an abort that came before starts nothing that lasts", async () => {
  const running = realExec.run("sleep", ["62"], { signal: AbortSignal.abort() });
  await assert.rejects(running, (error) => isKind(error, "unavailable"));
});

test("run: output is cut at 8 MiB and the program still ends", async () => {
  const { stdout } = await realExec.run("head", ["-c", "20000000", "/dev/zero"]);
  assert.equal(stdout.length, 8 * 1024 * 1024);
});

test("run: a daemon that keeps the output open holds nobody up", async () => {
  const start = performance.now();
  const { stdout } = await realExec.run("sh", ["-c", "echo ready; sleep 3 &"]);
  assert.equal(stdout, "ready\n");
  assert.ok(performance.now() - start < 2000);
});

/** A killed process is gone only once its parent has looked. */
async function untilGone(commandLine: string): Promise<void> {
  const deadline = performance.now() + 2000;
  while ((await countOf(commandLine)) > 0) assert.ok(performance.now() < deadline, `${commandLine} lives on`);
}

async function countOf(commandLine: string): Promise<number> {
  const { stdout } = await realExec.run("pgrep", ["-fx", commandLine], { accept: [0, 1] });
  const alive = await Promise.all(stdout.split("\n").filter(Boolean).map(isAlive));
  return alive.filter(Boolean).length;
}

async function isAlive(pid: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return status !== "" && !/^State:\s+Z/m.test(status);
}

// The exec port with real programs.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { isKind } from "#shared/errors.ts";
import { realExec } from "#shared/ports/exec/real.ts";
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

test("run: input and output in pieces: all of it passes, and the program waits for whoever takes it", async () => {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let count = 0; count < 64; count++) yield Buffer.alloc(65_536, count);
  }
  let bytes = 0;
  let busy = false;
  const { stdout, code } = await realExec.run("cat", [], {
    input: pieces(),
    async onOutput(chunk) {
      assert.ok(!busy, "one at a time");
      busy = true;
      await new Promise((resolve) => setImmediate(resolve));
      busy = false;
      for (const [index, byte] of chunk.entries()) assert.equal(byte, (bytes + index) >> 16);
      bytes += chunk.length;
    },
  });
  assert.deepEqual([stdout, code, bytes], ["", 0, 64 * 65_536]);
});

test("run: output that is taken slower than the program ends is not cut off", async () => {
  let bytes = 0;
  await realExec.run("head", ["-c", "200000", "/dev/zero"], {
    async onOutput(chunk) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      bytes += chunk.length;
    },
  });
  assert.equal(bytes, 200_000);
});

test("run: whoever takes the output or gives the input and fails ends the program, with the same error", async () => {
  const failure = new Error("enough");
  const taking = realExec.run("yes", ["7533"], { onOutput: () => Promise.reject(failure) });
  await assert.rejects(taking, failure);
  await untilGone("yes 7533");
  async function* failing(): AsyncGenerator<Buffer> {
    yield Buffer.from("x");
    throw failure;
  }
  await assert.rejects(realExec.run("sh", ["-c", "cat; sleep 7534"], { input: failing() }), failure);
  await untilGone("sleep 7534");
});

test("run: a program that does not read all of its pieces is no failure, and the rest is not asked for", async () => {
  let asked = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) {
      asked++;
      yield Buffer.alloc(65_536);
    }
  }
  const { code } = await realExec.run("head", ["-c", "1"], { input: endless() });
  assert.equal(code, 0);
  assert.ok(asked < 1000);
});

test("run: runs in the directory that is named", async () => {
  const { stdout } = await realExec.run("pwd", [], { directory: "/proc" });
  assert.equal(stdout, "/proc\n");
});

test("run: the signal that ended a program is told", async () => {
  await assert.rejects(realExec.run("sh", ["-c", "kill -XCPU $$"]), {
    detail: { program: "sh", signal: "SIGXCPU" },
  });
});

// The scripted exec port.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeExec } from "#shared/ports/exec/fake.ts";
import { execContract } from "./contract.ts";

execContract("fake", () => {
  const exec = fakeExec();
  exec.script("echo", () => ({ stdout: "hello\n" }));
  exec.script("ls", () => ({ code: 2, stderr: "ls: cannot access\n" }));
  return { exec, succeeding: ["echo", ["hello"]], failing: ["ls", ["/nowhere"]] };
});

test("fake run: writes down what was run", async () => {
  const exec = fakeExec();
  await exec.run("ip", ["link"], { namespace: "blue" });
  assert.deepEqual(exec.runs, [{ program: "ip", args: ["link"], options: { namespace: "blue" } }]);
});

test("run: what a program says is given piece by piece to whoever takes it", async () => {
  const exec = fakeExec();
  exec.script("qemu-img", () => ({ stdout: "(50.00/100%)" }));
  const said: string[] = [];
  const { stdout } = await exec.run("qemu-img", [], { onOutput: (chunk) => void said.push(String(chunk)) });
  assert.deepEqual([stdout, said], ["", ["(50.00/100%)"]]);
});

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { endOf, identify, isAlive, startDaemon, stopDaemon } from "../../deploy/lib/processes.ts";

const directory = mkdtempSync(join(tmpdir(), "sf-processes-"));
after(() => rmSync(directory, { recursive: true }));

test("startDaemon: the process lives apart from its parent and logs; stopDaemon ends it", async () => {
  const log = join(directory, "sleep.log");
  const fifo = join(directory, "fifo");
  execFileSync("mkfifo", [fifo]);
  const script = 'echo here; echo said >"$0"; exec sleep 60';
  const id = await startDaemon({ program: "sh", args: ["-c", script, fifo], log });
  try {
    assert.equal(isAlive(id), true);
    const session = readFileSync(`/proc/${id.pid}/stat`, "utf8").split(") ")[1]?.split(" ")[3];
    assert.equal(session, String(id.pid), "leads a session of its own");
    assert.equal(await readFile(fifo, "utf8"), "said\n");
    assert.equal(await endOf(log), "here");
  } finally {
    assert.equal(await stopDaemon(id), true);
  }
  assert.equal(isAlive(id), false);
  assert.equal(await stopDaemon(id), false, "a second stop finds nothing");
});

test("stopDaemon: a process that ignores SIGTERM is killed after its grace", async () => {
  const log = join(directory, "deaf.log");
  const id = await startDaemon({
    program: "sh",
    args: ["-c", "trap '' TERM; while :; do read _ </dev/zero; done"],
    log,
  });
  assert.equal(await stopDaemon(id, 50), true);
  assert.equal(isAlive(id), false);
});

test("stopDaemon: never touches a process that was given the pid later", async () => {
  const stranger = spawn("sleep", ["60"]);
  await once(stranger, "spawn");
  const real = identify(stranger.pid ?? 0);
  assert.ok(real);
  try {
    const earlier = { ...real, startTime: String(Number(real.startTime) - 1) };
    for (const stale of [earlier, { ...real, boot: "an earlier boot" }]) {
      assert.equal(isAlive(stale), false);
      assert.equal(await stopDaemon(stale), false);
    }
    assert.equal(isAlive(real), true);
  } finally {
    stranger.kill();
    await once(stranger, "exit");
  }
});

test("startDaemon: rejects when the program is not there", async () => {
  await assert.rejects(
    startDaemon({ program: "no-such-program", args: [], log: join(directory, "x.log") }),
    /ENOENT/,
  );
});

test("startDaemon: a log over 10 MiB is put aside first", async () => {
  const log = join(directory, "big.log");
  await stopDaemon(await startDaemon({ program: "true", args: [], log }).catch(() => undefined));
  truncateSync(log, 11 * 2 ** 20);
  await stopDaemon(await startDaemon({ program: "sleep", args: ["60"], log }));
  assert.equal(statSync(`${log}.1`).size, 11 * 2 ** 20);
  assert.equal(statSync(log).size, 0);
});

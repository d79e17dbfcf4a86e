// Holds a real QEMU in the middle of copying a guest's disks, so that a test can do things meanwhile.
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

const WAIT_MS = 60_000;
const BEGUN_BYTES = 2 ** 20;

/** Once the copy into `file` is under way, and `beginning` is gone. Answers the way to let it go on. */
export async function holdCopy(uuid: string, file: string, beginning = ""): Promise<() => void> {
  const end = performance.now() + WAIT_MS;
  // Without a pause: a copy is over soon.
  while ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < BEGUN_BYTES || existsSync(beginning)) {
    if (existsSync(file.replace(/\.tmp$/, ""))) return () => {}; // it is over already
    assert.ok(performance.now() < end, "nothing is copied");
    await nextTurn();
  }
  const qemu = Number(readFileSync(`/run/libvirt/qemu/sf:${uuid}.pid`, "utf8"));
  process.kill(qemu, "SIGSTOP");
  return () => void process.kill(qemu, "SIGCONT");
}

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { identify } from "../../deploy/lib/processes.ts";
import { readState, withLock, writeState } from "../../deploy/lib/state.ts";

const directory = mkdtempSync(join(tmpdir(), "sf-state-"));
const lock = join(directory, "lock");
after(() => rmSync(directory, { recursive: true }));

test("writeState: is read back as it was, and is for root alone", async () => {
  const places = { home: directory, state: join(directory, "state"), logs: directory, cache: directory };
  assert.equal(await readState(places), undefined);
  const state = {
    up: true,
    ownEtcd: true,
    processes: { etcd: { pid: 1, startTime: "5", boot: "b" } },
    settings: { A: "b" },
  };
  await writeState(places, state);
  assert.deepEqual(await readState(places), state);
  assert.equal(statSync(places.state).mode & 0o777, 0o700);
});

test("withLock: refuses while another holds it, naming its process", async () => {
  await withLock(lock, async () => {
    const second = withLock(lock, async () => assert.fail("both held it"));
    await assert.rejects(second, new RegExp(`process ${process.pid}`));
  });
  assert.equal(existsSync(lock), false);
  assert.equal(await withLock(lock, async () => "free again"), "free again");
});

test("withLock: takes over from a holder that died", async () => {
  const stale = { ...identify(process.pid), startTime: "1" };
  for (const left of [JSON.stringify(stale), "", "{"]) {
    writeFileSync(lock, left);
    assert.equal(await withLock(lock, async () => "taken"), "taken");
  }
});

// What virsh says of a backup, as libvirt 9.0 prints it; a real one is made in tests/end-to-end/snapshots.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CloudError, isKind } from "#shared/errors.ts";
import { beginBackup, endBackup, getBackup } from "#shared/ports/hypervisor/libvirt-backup.ts";

const NONE = "Job type:         None        \n";
const RUNNING = `Job type:         Unbounded   
Operation:        Backup      
Time elapsed:     262          ms
File processed:   2.000 GiB
File remaining:   6.000 GiB
File total:       8.000 GiB
`;
const ENDING = "Job type:         Unbounded   \nOperation:        Backup      \n";
const ended = (type: string, more = "") =>
  `Job type:         ${type}   \nOperation:        Backup      \n${more}`;
const refused = (words: string) => new CloudError("internal", `libvirt: ${words}`);
const NO_DOMAIN = refused("failed to get domain 'x'");

/** Answers by the words of the command; a list gives one after the other. */
function scripted(answers: Record<string, string | Error | (string | Error)[]>) {
  const asked: string[] = [];
  const ask = async (args: readonly string[]) => {
    const command = args.join(" ");
    asked.push(command);
    const answer = answers[command] ?? assert.fail(`nobody expects ${command}`);
    const next = Array.isArray(answer) ? (answer.shift() ?? assert.fail(command)) : answer;
    if (next instanceof Error) throw next;
    return next;
  };
  return { ask, asked };
}

test("getBackup: under way, over, and what is not known", async () => {
  const cases: [string | Error, string | Error, unknown][] = [
    [RUNNING, "", { state: "running", percent: 25 }],
    [ENDING, "", { state: "running", percent: 0 }],
    [NONE, ended("Completed"), { state: "done" }],
    [NONE, ended("Failed"), { state: "failed", reason: "failed" }],
    [NONE, ended("Failed", "Error message:    no room\n"), { state: "failed", reason: "no room" }],
    [refused("domain is not running"), ended("Cancelled"), { state: "failed", reason: "cancelled" }],
    [NONE, NONE, { state: "none" }],
    [NONE, "Job type:         Completed   \nOperation:        Save      \n", { state: "none" }],
    [NO_DOMAIN, "", { state: "none" }],
    [refused("internal error: backup job data missing"), "", { state: "none" }],
  ];
  for (const [current, completed, expected] of cases) {
    const { ask } = scripted({ "domjobinfo x": current, "domjobinfo x --completed": completed });
    assert.deepEqual(await getBackup(ask, "x"), expected);
  }
});

test("getBackup: libvirt away is no answer", async () => {
  const away = new CloudError("unavailable", "libvirt: away");
  await assert.rejects(getBackup(scripted({ "domjobinfo x": away }).ask, "x"), away);
});

test("endBackup: ends it once, waits until it is over, and lets a guest go on that ran out of room", async () => {
  const { ask, asked } = scripted({
    "domjobinfo x": [RUNNING, ENDING, NONE],
    "domjobinfo x --completed": ended("Cancelled"),
    "domjobabort x": "",
    "domstate x --reason": "paused (I/O error)\n",
    "resume x": "",
  });
  await endBackup(ask, "x");
  assert.equal(asked.filter((command) => command === "domjobabort x").length, 1);
  assert.equal(asked.at(-1), "resume x");
});

test("endBackup: a guest without one, or that its owner has paused, or that is gone, is left as it is", async () => {
  for (const state of ["running (booted)", "paused (user)", "shut off (destroyed)", NO_DOMAIN]) {
    const { ask, asked } = scripted({
      "domjobinfo x": NONE,
      "domjobinfo x --completed": NONE,
      "domstate x --reason": state,
    });
    await endBackup(ask, "x");
    assert.equal(asked.at(-1), "domstate x --reason");
  }
});

test("beginBackup: says what to do when libvirt is stuck", async () => {
  const stuck = refused("Timed out during operation: cannot acquire state change lock (held by backup)");
  await assert.rejects(
    beginBackup(scripted({ "backup-begin x /f": stuck }).ask, "x", "/f"),
    (error) => isKind(error, "conflict") && /power it off and on/.test(error.message),
  );
});

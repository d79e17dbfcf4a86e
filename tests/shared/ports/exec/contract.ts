// What every exec port must do, given a command that succeeds and one that fails with code 2.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isKind } from "#shared/errors.ts";
import type { Exec } from "#shared/ports/exec/exec.ts";

type Command = readonly [program: string, args: readonly string[]];

export interface ExecSubject {
  exec: Exec;
  /** Writes "hello". */
  succeeding: Command;
  /** Ends with code 2 and words on its standard error. */
  failing: Command;
}

export function execContract(name: string, open: () => ExecSubject): void {
  test(`${name} run: answers with code and output`, async () => {
    const { exec, succeeding } = open();
    assert.deepEqual(await exec.run(...succeeding), { code: 0, stdout: "hello\n", stderr: "" });
  });

  test(`${name} run: another exit code is an internal error with the program's words`, async () => {
    const { exec, failing } = open();
    const [program] = failing;
    await assert.rejects(exec.run(...failing), (error) => {
      return (
        isKind(error, "internal") && error.message.startsWith(`${program}: `) && error.message.length > 10
      );
    });
  });

  test(`${name} run: an accepted exit code is an answer`, async () => {
    const { exec, failing } = open();
    const { code, stderr } = await exec.run(...failing, { accept: [0, 2] });
    assert.equal(code, 2);
    assert.notEqual(stderr, "");
  });

  test(`${name} run: an aborted signal is "unavailable"`, async () => {
    const { exec, succeeding } = open();
    const running = exec.run(...succeeding, { signal: AbortSignal.abort() });
    await assert.rejects(running, (error) => isKind(error, "unavailable"));
  });
}

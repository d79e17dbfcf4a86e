// When rules are loaded: judged by what nft lists, which a script tells here.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exec } from "#shared/ports/exec/exec.ts";
import { NODE, openRules } from "#shared/ports/network/rules.ts";

/** `listed`: what is listed after each load. */
function scripted(listed: string[]): { exec: Exec; loads: () => number; damage: (text: string) => void } {
  let now = "";
  let loads = 0;
  const exec: Exec = {
    async run(_program, args) {
      if (args[0] !== "-f" && now === "") return { code: 1, stdout: "", stderr: "No such file or directory" };
      if (args[0] !== "-f") return { code: 0, stdout: JSON.stringify({ nftables: [now] }), stderr: "" };
      now = listed[loads++] ?? "as wanted";
      return { code: 0, stdout: "", stderr: "" };
    },
  };
  return {
    exec,
    loads: () => loads,
    damage(text) {
      now = text;
    },
  };
}

async function ensure(rules: ReturnType<typeof openRules>, text = "table"): Promise<string> {
  return rules.ensure(NODE, text, await rules.read(NODE));
}

test("ensure: what was damaged is mended, what is new is changed, what is right is left alone", async () => {
  const { exec, loads, damage } = scripted([]);
  const rules = openRules(exec);
  damage("as wanted");
  assert.equal(await ensure(rules), "same");
  assert.equal(await ensure(rules), "same");
  assert.equal(loads(), 1, "a process that does not know the rules yet loads them once");
  damage("damaged");
  assert.equal(await ensure(rules), "mended");
});

test("ensure: other rules than before are no damage", async () => {
  const { exec } = scripted(["one", "other"]);
  const rules = openRules(exec);
  await ensure(rules, "one");
  await ensure(rules, "one");
  assert.equal(rules.isNew(NODE, "other"), true);
  assert.equal(await rules.ensure(NODE, "other", undefined), "changed");
  assert.equal(await ensure(rules, "other"), "same");
});

test("ensure: rules that were changed again before they were listed are not taken for ours", async () => {
  const { exec, damage } = scripted(["as wanted", "damaged again", "as wanted"]);
  const rules = openRules(exec);
  damage("as wanted");
  await ensure(rules);
  damage("damaged");
  assert.equal(await ensure(rules), "mended");
  assert.equal(await ensure(rules), "mended");
  assert.equal(await ensure(rules), "same");
});

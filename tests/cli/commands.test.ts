// House rule: every command file is in the table, under the name its path says, and nothing else is.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { commands, groups } from "../../cli/commands.ts";

const directory = fileURLToPath(new URL("../../cli/commands/", import.meta.url));
const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);
const nameOf = (file: string) => file.replace(/\.ts$/, "").replaceAll("/", " ");

test("command table: holds exactly the files of cli/commands", () => {
  assert.deepEqual(Object.keys(commands).toSorted(), files.map(nameOf).toSorted());
});

test("command table: gives each name the file of that path", async () => {
  for (const file of files) {
    const { default: command } = await import(`${directory}${file}`);
    assert.equal(commands[nameOf(file)], command, file);
  }
});

test("command table: every command has a summary, every group a description", () => {
  for (const [name, { summary }] of Object.entries(commands)) {
    assert.match(summary, /^[A-Z].*[^.]$/, name);
    assert.ok(groups[name.split(" ").slice(0, -1).join(" ")], name);
  }
});

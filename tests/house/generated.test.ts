// Generated files are what their generators make today.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { configurationPage } from "../../deploy/docs/configuration.ts";

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("docs/configuration.md: is current", () => {
  assert.equal(
    textOf("docs/configuration.md"),
    configurationPage(),
    "make it anew: node --import tsx deploy/docs/configuration.ts > docs/configuration.md",
  );
});

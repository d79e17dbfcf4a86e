// What documents say of the code is what the code says today.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { configurationPage } from "../../deploy/docs/configuration.ts";
import { openApiFile } from "../../deploy/docs/openapi.ts";

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("documents", () => {
  it("docs/configuration.md: is what its generator prints", () => {
    const remedy = "make it anew: node --import tsx deploy/docs/configuration.ts > docs/configuration.md";
    assert.equal(textOf("docs/configuration.md"), configurationPage(), remedy);
  });

  it("docs/openapi.json: is what its generator prints", async () => {
    const remedy = "make it anew: node --import tsx deploy/docs/openapi.ts > docs/openapi.json";
    assert.ok(textOf("docs/openapi.json") === (await openApiFile()), remedy);
  });

  it("docs/architecture.md: names every package that set-up installs", () => {
    const lists = textOf("deploy/set-up.sh").matchAll(/^(?:test_)?packages=\(([^)]*)\)/gm);
    const packages = [...lists].flatMap(([, list = ""]) => list.split(/\s+/)).filter((word) => word !== "");
    assert.ok(packages.length > 10);
    const words = new Set(textOf("docs/architecture.md").split(/\s+/));
    assert.deepEqual(
      packages.filter((name) => !words.has(name)),
      [],
    );
  });
});

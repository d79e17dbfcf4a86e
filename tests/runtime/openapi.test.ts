import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { type FakeCloud, fakeCloud } from "../support/fake-cloud.ts";

interface Operation {
  operationId: string;
  summary: string;
  security: unknown[];
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: { properties: Record<string, object> } }> };
  responses: Record<string, unknown>;
}

interface Document {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

describe("openapi", () => {
  let f: FakeCloud;
  let document: Document;
  before(async () => {
    f = await fakeCloud({ works: false });
    document = await f.call<Document>("GET", "/openapi.json", undefined, null);
  });
  after(() => f.close());

  const operationOf = (method: string, path: string) =>
    document.paths[path.replace(/\[(\w+)\]/g, "{$1}")]?.[method.toLowerCase()];

  it("GET /openapi.json: an independent validator finds nothing wrong, and every reference leads somewhere", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(
      structuredClone<Record<string, unknown>>({ ...document }),
    );
    assert.ok(valid, JSON.stringify(errors, null, 1)?.slice(0, 2000));
    assert.equal(validator.version, "3.1");
    for (const [, pointer = ""] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer
        .split("/")
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
      assert.ok(found, pointer);
    }
  });

  it("GET /openapi.json: has every route, each with a name of its own, its variables and who may call it", () => {
    const ids = new Set<string>();
    for (const { method, path, definition } of f.table.routes) {
      const operation = operationOf(method, path);
      assert.ok(operation, `${method} ${path}`);
      ids.add(operation.operationId);
      assert.equal(operation.summary, definition.summary);
      assert.equal(operation.security.length, definition.access === "anyone" ? 0 : 1);
      const variables = [...path.matchAll(/\[(\w+)\]/g)].map(([, name]) => name);
      assert.deepEqual(
        (operation.parameters ?? []).map(({ name }) => name),
        variables,
      );
      assert.equal("404" in operation.responses, definition.find !== undefined);
      assert.equal(operation.requestBody === undefined, definition.input === undefined);
    }
    assert.equal(ids.size, f.table.routes.length);
    assert.equal(Object.values(document.paths).flatMap((each) => Object.keys(each)).length, ids.size);
  });

  it("GET /openapi.json: of every argument it says what it is", () => {
    for (const { method, path } of f.table.routes) {
      const schema = operationOf(method, path)?.requestBody?.content["application/json"]?.schema;
      for (const [name, argument] of Object.entries(schema?.properties ?? {}))
        assert.notDeepEqual(argument, {}, `${method} ${path}: ${name} needs .describe() or .meta()`);
    }
  });

  it("GET /openapi.json: of every GET it says what is answered", () => {
    const silent = f.table.routes.filter(({ method, definition }) => method === "GET" && !definition.answer);
    assert.deepEqual(
      silent.map(({ file }) => file),
      [],
      "state `answer`: a schema of shared/api/schemas.ts",
    );
  });

  it("GET /openapi.json: is made once, and served anew when it may have changed", async () => {
    const [one, other] = [
      await f.ask("GET", "/openapi.json"),
      await f.ask("GET", "/openapi.json", undefined, null),
    ];
    assert.equal(one.text, other.text);
    assert.equal(one.headers["Cache-Control"], "no-cache");
    assert.equal((await f.ask("POST", "/openapi.json")).status, 405);
  });
});

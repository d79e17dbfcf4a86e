import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { isKind } from "#shared/errors.ts";
import { readInput } from "../../runtime/input.ts";

const schema = z.strictObject({
  all: z.unknown().optional(),
  network: z.strictObject({ address: z.string().optional() }).optional(),
  count: z.int({ error: "count is not a number" }).optional(),
  name: z.string().max(3).optional(),
});

function refusal(body: string, of: z.ZodType | undefined): string {
  try {
    readInput(of, body);
  } catch (error) {
    assert.ok(isKind(error, "malformed"));
    return error.message;
  }
  assert.fail(`${body}: was taken`);
}

describe("input", () => {
  for (const body of ["", " ", "null", "{}", "[]", '""', "0", "false", "not json", '{"all":', "{'all':1}"]) {
    it(`readInput: ${body || "nothing"} is no arguments`, () => {
      assert.deepEqual(readInput(schema, body), {});
      assert.deepEqual(readInput(undefined, body), {});
    });
  }

  for (const body of ["[1]", '["all"]', '"all"', "true", "7"]) {
    it(`readInput: refuses ${body}`, () => {
      assert.equal(refusal(body, schema), "the body must be a JSON object of arguments");
      assert.equal(refusal(body, undefined), "the body must be a JSON object of arguments");
    });
  }

  it("readInput: hands on what the schema made of it", () => {
    assert.deepEqual(readInput(schema, '{"all":1,"count":2}'), { all: 1, count: 2 });
  });

  it("readInput: an unknown key is refused, naming the nearest known one", () => {
    assert.equal(refusal('{"al":1}', schema), "unknown argument 'al'; did you mean 'all'?");
    assert.equal(refusal('{"netwrok":{}}', schema), "unknown argument 'netwrok'; did you mean 'network'?");
    assert.equal(refusal('{"something-else":1}', schema), "unknown argument 'something-else'");
    assert.equal(refusal('{"network":{"adress":"x"}}', schema), "unknown argument 'adress' in network");
  });

  it("readInput: a key of every object's prototype is as unknown as any other", () => {
    assert.match(refusal('{"__proto__":{"all":1}}', schema), /^unknown argument '__proto__'/);
    assert.match(refusal('{"constructor":1}', schema), /^unknown argument 'constructor'/);
  });

  it("readInput: a call without arguments refuses every key", () => {
    assert.equal(refusal('{"uuid":1}', undefined), "unknown argument 'uuid': this call takes none");
  });

  it("readInput: our own words stand alone, those of the library follow the key", () => {
    assert.equal(refusal('{"count":"x"}', schema), "count is not a number");
    assert.match(refusal('{"name":7}', schema), /^name: Invalid input/);
    assert.match(refusal('{"name":"long"}', schema), /^name: Too big/);
  });
});

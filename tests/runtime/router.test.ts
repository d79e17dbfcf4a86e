import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { isKind } from "#shared/errors.ts";
import { openRouter } from "../../runtime/router.ts";

const paths = ["/", "/things", "/things/[thing]", "/things/all", "/things/[thing]/parts/[part]"];
const crossing = ["/[kind]/all", "/things/[thing]/parts/all", "/[kind]/[thing]/parts/all"];
const routes = [...paths, ...crossing].map((path) => ({ method: "GET", path, target: path }));
const route = openRouter([...routes, { method: "POST", path: "/things", target: "made" }]);

async function found(path: string, method = "GET") {
  const match = await route(method, path);
  return typeof match === "object" ? [match.target, match.params] : match;
}

describe("router", () => {
  it("route: literal segments win over variables, the leftmost first", async () => {
    assert.deepEqual(await found("/things/all"), ["/things/all", {}]);
    assert.deepEqual(await found("/things/1"), ["/things/[thing]", { thing: "1" }]);
    assert.deepEqual(await found("/others/all"), ["/[kind]/all", { kind: "others" }]);
    assert.deepEqual(await found("/things/1/parts/all"), ["/things/[thing]/parts/all", { thing: "1" }]);
    assert.deepEqual(await found("/x/1/parts/all"), ["/[kind]/[thing]/parts/all", { kind: "x", thing: "1" }]);
  });

  it("route: of crossing routes the one with the earlier literal wins", async () => {
    const crossed = openRouter(
      ["/[kind]/all", "/things/[thing]"].map((path) => ({ method: "GET", path, target: path })),
    );
    assert.deepEqual(await crossed("GET", "/things/all"), {
      target: "/things/[thing]",
      params: { thing: "all" },
    });
  });

  it("route: doubled slashes count as one", async () => {
    assert.deepEqual(await found("//things"), ["/things", {}]);
    assert.deepEqual(await found("/things//7///parts//8"), [
      "/things/[thing]/parts/[part]",
      { thing: "7", part: "8" },
    ]);
    assert.deepEqual(await found("//"), ["/", {}]);
  });

  it("route: a trailing slash is another path, which there is not", async () => {
    assert.equal(await found("/things/"), undefined);
    assert.equal(await found("/things/7/"), undefined);
    assert.equal(await found("/things//"), undefined);
  });

  it("route: variables are decoded once", async () => {
    assert.deepEqual(await found("/things/a%20b%2fc%2520"), ["/things/[thing]", { thing: "a b/c%20" }]);
    assert.deepEqual(await found("/things/gr%C3%BCn"), ["/things/[thing]", { thing: "grün" }]);
  });

  it("route: a path met before leads to the same place with its own variables", async () => {
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
    for (const [thing, part] of [
      [one, other],
      [other, one],
      [one, one],
      [one, "name"],
      ["name", other],
    ]) {
      const expected = ["/things/[thing]/parts/[part]", { thing, part }];
      assert.deepEqual(await found(`/things/${thing}/parts/${part}`), expected);
      assert.deepEqual(await found(`/things/${thing}//parts/${part}`), expected);
    }
    assert.deepEqual(await found(`/things/${one}`, "DELETE"), "wrong method");
    assert.equal(await found(`/nothing/${one}/`), undefined);
  });

  it("route: what a URL leaves out counts for no variable", async () => {
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
    for (const back of ["..", "%2e%2e"])
      for (let time = 0; time < 2; time++)
        assert.deepEqual(await found(`/things/${one}/${back}/${other}`), [
          "/things/[thing]",
          { thing: other },
        ]);
  });

  it("route: a variable that cannot be decoded is malformed", async () => {
    for (const bad of ["%", "%zz", "%C3"])
      await assert.rejects(
        async () => route("GET", `/things/${bad}`),
        (error) => isKind(error, "malformed"),
      );
  });

  it("route: a path without the method is told from no path at all", async () => {
    for (const method of ["DELETE", "HEAD", "OPTIONS", "TRACE"]) {
      assert.equal(await found("/things", method), "wrong method");
      assert.equal(await found("/nothing", method), undefined);
    }
    assert.deepEqual(await found("/things", "POST"), ["made", {}]);
  });

  it("route: paths that mean something elsewhere are only unknown", async () => {
    for (const path of ["/things/7/parts", "/nothing", "/constructor/x/y", "*", "", "/.", "/things?all=1"])
      assert.ok([undefined, "/", "/things"].includes((await found(path))?.[0] as string | undefined), path);
  });
});

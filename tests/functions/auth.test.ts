import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { type FakeCloud, fakeCloud, SYSTEM_KEY } from "../support/fake-cloud.ts";
import { refuses } from "../support/refusals.ts";

describe("POST /auth", () => {
  let f: FakeCloud;
  before(async () => {
    f = await fakeCloud();
  });
  after(() => f.close());

  it("POST /auth: a right key gives a token that opens the namespace", async () => {
    const { access_token } = await f.call<{ access_token: string }>(
      "POST",
      "/auth",
      { namespace: "system", key: SYSTEM_KEY },
      null,
    );
    const answer = await f.dispatch(f.cloud, {
      ...{ method: "GET", path: "/nodes", body: "", id: "1" },
      authorization: `Bearer ${access_token}`,
    });
    assert.equal(answer.status, 200);
  });

  it("POST /auth: the token is a JWT of 15 minutes with the claims that clients read", async () => {
    const body = { namespace: "system", key: SYSTEM_KEY };
    const { access_token } = await f.call<{ access_token: string }>("POST", "/auth", body, null);
    const [head, claims] = access_token
      .split(".")
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
    assert.deepEqual(head, { alg: "HS256", typ: "JWT" });
    assert.equal(claims.exp - claims.iat, 15 * 60);
    assert.deepEqual(
      [claims.identity, claims.sub, claims.type, claims.fresh, typeof claims.jti],
      ["system", "system", "access", false, "string"],
    );
    assert.doesNotMatch(JSON.stringify(claims), new RegExp(SYSTEM_KEY));
  });

  const refused: [unknown, number, string][] = [
    [undefined, 400, "missing namespace in request"],
    [{ key: "x" }, 400, "missing namespace in request"],
    [{ namespace: null, key: "x" }, 400, "missing namespace in request"],
    [{ namespace: "", key: "x" }, 400, "missing namespace in request"],
    [{ namespace: "system" }, 400, "missing key in request"],
    [{ namespace: "system", key: null }, 400, "missing key in request"],
    [{ namespace: "system", key: "" }, 400, "missing key in request"],
    [{ namespace: "system", key: 7 }, 400, "key is not a string"],
    [{ namespace: "system", key: ["x"] }, 400, "key is not a string"],
    [{ namespace: "system", key: "wrong" }, 401, "unauthorized"],
    [{ namespace: "nobody", key: SYSTEM_KEY }, 401, "unauthorized"],
    [{ namespace: "system", key: "x".repeat(2000) }, 401, "unauthorized"],
    [{ namespace: "../system", key: SYSTEM_KEY }, 401, "unauthorized"],
  ];
  for (const [body, status, words] of refused) {
    it(`POST /auth: ${JSON.stringify(body)?.slice(0, 50)} is refused`, () =>
      refuses(f, ["POST", "/auth", body, null], status, words));
  }
});

import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { openTokens } from "#shared/namespaces/tokens.ts";

const SECRET = "a secret of the tests";
const KEY = { name: "k", hash: "", id: "1" };
const now = () => Date.now() / 1000;

describe("tokens", () => {
  it("a token read again: is as good as it was, and no longer than its time", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: 1_700_000_000_000 });
    const tokens = openTokens(SECRET);
    const token = tokens.issue("alice", KEY);
    for (let time = 0; time < 2; time++) assert.equal(tokens.read(token, now()).identity, "alice");
    t.mock.timers.setTime(1_700_000_000_000 + 16 * 60 * 1000);
    for (let time = 0; time < 2; time++)
      assert.throws(() => tokens.read(token, now()), { code: "FAST_JWT_EXPIRED" });
  });

  it("a token of a node whose clock is a little ahead: is good at once", (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: 1_700_000_000_500 });
    const token = openTokens(SECRET).issue("alice", KEY);
    t.mock.timers.setTime(1_699_999_998_000);
    assert.equal(openTokens(SECRET).read(token, now()).identity, "alice");
  });

  it("a token that differs from a known one: is read by itself", () => {
    const tokens = openTokens(SECRET);
    const token = tokens.issue("alice", KEY);
    tokens.read(token, now());
    const forged = openTokens("another secret").issue("alice", KEY);
    for (const wrong of [`${token}x`, token.slice(0, -2), forged, ""])
      assert.throws(() => tokens.read(wrong, now()));
    assert.equal(tokens.read(tokens.issue("bob", KEY), now()).identity, "bob");
  });
});

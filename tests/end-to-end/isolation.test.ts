// What a namespace may not see does not exist for it: every route, asked with the token of another namespace, with bad
// tokens and with none, about objects that are there.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Instance, Network } from "#shared/api/types.ts";
import { type Route, scan } from "../../runtime/scan.ts";
import { fill, usualPath } from "../conformance/row.ts";
import { bodyOf } from "../conformance/run.ts";
import { rows } from "../conformance/table.ts";
import type { Answer } from "../conformance/wire.ts";
import { openWorld, type World } from "../conformance/world.ts";
import { enterSandbox } from "../support/sandbox.ts";

enterSandbox(import.meta.url);

const FUNCTIONS = fileURLToPath(new URL("../../functions", import.meta.url));

/** What is the same for everybody: it names no object of a namespace. */
const SHARED = ["POST /images", "GET /images", "GET /images/events"];

const small = { name: "theirs", cpus: 1, memory: 64, disk: [{ size: 1 }] };
const nic = (network_uuid: string) => ({ ...small, network: [{ network_uuid }] });
const blank = { netblock: "10.0.0.0/24" };

/** How calls that name no object in their path can name one of another namespace. */
const NAMED: Record<string, readonly object[]> = {
  "POST /instances": [
    ...["{network}", "net-of-a"].map(nic),
    { ...small, namespace: "a" },
    { ...small, namespace: "system" },
    { ...small, instance_uuid: "{instance}" },
  ],
  "POST /networks": [
    { ...blank, namespace: "a" },
    { ...blank, namespace: "system" },
  ],
  "DELETE /instances": ["a", "system"].map((namespace) => ({ confirm: true, namespace })),
  "DELETE /networks": ["a", "system"].map((namespace) => ({ confirm: true, namespace })),
};

describe("isolation", () => {
  let world: World;
  let routes: Route[];
  let before_: Map<string, string>;

  before(async () => {
    world = await openWorld();
    routes = (await scan([FUNCTIONS])).routes.filter(({ definition }) => definition.access !== "anyone");
    const network = await make<Network>("/networks", { ...blank, name: "net-of-a", provide_dhcp: true });
    const nics = { ...nic(network.uuid), name: "guest-of-a" };
    const instance = await make<Instance>("/instances", nics);
    const gone = await make<Instance>("/instances", { ...small, name: "gone-of-a" });
    await ask("a", "DELETE", `/instances/${gone.uuid}`);
    const { body } = await ask("a", "GET", `/instances/${instance.uuid}/interfaces`);
    const [first] = JSON.parse(body) as { uuid: string }[];
    Object.assign(world.context, {
      ...{ network: network.uuid, instance: instance.uuid, gone: gone.uuid, interface: first?.uuid },
    });
    before_ = await everything();
  });
  after(() => world?.stop());

  async function make<T>(path: string, body: object): Promise<T> {
    const answer = await ask("a", "POST", path, JSON.stringify(body));
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body) as T;
  }

  const ask = (as: string | null, method: string, path: string, body?: string | Buffer): Promise<Answer> =>
    world.wire.ask({
      ...{ method, path: fill(path, world.context) },
      headers: as === null ? {} : { Authorization: world.tokens[as] ?? fill(as, world.context) },
      ...(body === undefined ? {} : { body }),
    });

  /** All that is in the store, but what moves by itself. */
  async function everything(): Promise<Map<string, string>> {
    const entries = await world.cloud.store.list("");
    const still = entries.filter(({ key }) => !/^(event|presence|metrics|node|lock|image)\//.test(key));
    return new Map(still.map(({ key, value }) => [key, JSON.stringify(value)]));
  }

  const requireUntouched = async () => assert.deepEqual(await everything(), before_);

  /** What the owner sends to this route with success. */
  function goodBody({ method, path }: Route): string | Buffer | undefined {
    const row = rows.find(({ of, gets }) => of === `${method} ${path}` && gets.status === 200);
    return bodyOf(row?.body, world.context);
  }

  /** The paths of a route to what is not the other's: by UUID, by name, and what is deleted. */
  function pathsOf({ path }: Route): string[] {
    if (path.includes("[instance_ref]"))
      return ["{instance}", "guest-of-a", "{gone}"].map((ref) =>
        usualPath(path.replace("[instance_ref]", ref)),
      );
    if (path.includes("[network_ref]"))
      return ["{network}", "net-of-a", "floating"].map((ref) =>
        usualPath(path.replace("[network_ref]", ref)),
      );
    return [usualPath(path)];
  }

  it("without a good token: every route is 401", async () => {
    const bad = [
      "{token_forged}",
      "{token_unsigned}",
      "{token_foreign}",
      "{token_expired}",
      "{token_keyless}",
    ];
    for (const route of routes) {
      for (const as of [null, ...bad.map((token) => `Bearer ${token}`)]) {
        const { status, body } = await ask(as, route.method, usualPath(route.path), goodBody(route));
        assert.equal(status, 401, `${route.method} ${route.path} as ${as}: ${body}`);
      }
    }
    await requireUntouched();
  });

  it("with another's token: every route to an object is 401 or 404", async () => {
    const some = routes.filter(
      ({ path, definition }) => path.includes("[") || definition.access === "system",
    );
    assert.ok(some.length > 30);
    for (const route of some) {
      for (const path of pathsOf(route)) {
        const { status, body } = await ask("b", route.method, path, goodBody(route));
        const wanted = route.definition.access === "system" ? 401 : 404;
        assert.equal(status, wanted, `${route.method} ${path}: ${body}`);
      }
    }
    await requireUntouched();
  });

  it("with another's token: every other route refuses what names another's object, or does not show it", async () => {
    const open = routes.filter(
      ({ path, definition }) => !path.includes("[") && definition.access !== "system",
    );
    for (const { method, path } of open) {
      const what = `${method} ${path}`;
      if (SHARED.includes(what)) continue;
      if (method === "GET") {
        const { body } = await ask("b", method, path, '{"all": true}');
        assert.equal(body, "[]\n", what);
        continue;
      }
      assert.ok(NAMED[what], `${what}: say how it could name another's object`);
      for (const named of NAMED[what]) {
        const { status, body } = await ask("b", method, path, bodyOf(named, world.context));
        assert.ok(status === 401 || status === 404, `${what} ${JSON.stringify(named)}: ${status} ${body}`);
      }
    }
    await requireUntouched();
  });

  it("another's key: does not open a namespace", async () => {
    for (const namespace of ["a", "system"]) {
      const login = JSON.stringify({ namespace, key: world.context.key_b });
      assert.equal((await ask(null, "POST", "/auth", login)).status, 401);
    }
  });
});

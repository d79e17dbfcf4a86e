// A cloud with two namespaces and tokens good and bad, for what is asked of a node over the wire.
import { createHmac } from "node:crypto";
import { availableParallelism } from "node:os";
import { setKey } from "#shared/namespaces/set-key.ts";
import { put } from "#shared/ports/store/store.ts";
import { NODE_NAME, startCloud, type TestCloud } from "../support/cloud.ts";
import { NODE_ADDRESS } from "../support/network-host.ts";
import type { Tester } from "./run.ts";
import { logIn, openWire } from "./wire.ts";

const SECRET = "a seed of the tests";
const KEY = "the key of the tests";
const OTHER_KEY = "another key of the tests";

export interface World extends Tester {
  cloud: TestCloud;
  stop(): Promise<void>;
}

/** Only inside a sandbox. */
export async function openWorld(settings: Record<string, string> = {}): Promise<World> {
  const cpus = availableParallelism();
  const cloud = await startCloud({
    SHAKENFIST_AUTH_SECRET_SEED: SECRET,
    // Room for two vCPUs more than the machine has.
    SHAKENFIST_CPU_OVERCOMMIT_RATIO: String((cpus + 2) / cpus),
    ...settings,
  });
  await setKey(cloud.store, "a", "tests", KEY);
  await setKey(cloud.store, "b", "tests", OTHER_KEY);
  await cloud.store.commit([
    put("node/ghost", { name: "ghost", ip: "10.99.0.9", version: "0", lastseen: 0 }),
  ]);
  const wire = openWire(cloud.apiUrl);
  const tokens = {
    system: await logIn(wire, "system", cloud.key),
    a: await logIn(wire, "a", KEY),
    b: await logIn(wire, "b", OTHER_KEY),
  };
  const context = {
    ...{ key: KEY, key_b: OTHER_KEY, node: NODE_NAME, node_ip: NODE_ADDRESS, cpus: String(cpus) },
    ...{ nowhere: "00000000-0000-4000-8000-000000000000", chosen: "11111111-1111-4111-8111-111111111111" },
    ...{ image: cloud.imageUrl, images: new URL(cloud.imageUrl).origin },
    ...badTokens(tokens.a.replace("Bearer ", "")),
  };
  async function stop(): Promise<void> {
    wire.close();
    await cloud.stop();
  }
  return { cloud, wire, tokens, context, stop };
}

/** Made of a good one. */
function badTokens(token: string): Record<string, string> {
  const [head = "", claims = "", signature = ""] = token.split(".");
  const read = JSON.parse(Buffer.from(claims, "base64url").toString()) as object;
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const sign = (body: string, secret = SECRET) =>
    `${head}.${body}.${createHmac("sha256", secret).update(`${head}.${body}`).digest("base64url")}`;
  const asSystem = encode({ ...read, identity: "system", sub: "system" });
  return {
    token,
    token_cut: `${head}.${claims}`,
    token_forged: `${head}.${asSystem}.${signature}`,
    token_unsigned: `${encode({ alg: "none", typ: "JWT" })}.${asSystem}.`,
    token_foreign: sign(asSystem, "foo"),
    token_expired: sign(encode({ ...read, iat: 1, nbf: 1, exp: 2 })),
    token_keyless: sign(encode({ ...read, identity: "system", key_name: "nosuch" })),
  };
}

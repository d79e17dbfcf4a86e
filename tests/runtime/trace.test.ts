import { strict as assert } from "node:assert";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { z } from "zod";
import { CloudError } from "#shared/errors.ts";
import { openLog } from "#shared/log.ts";
import { http } from "../../runtime/define.ts";
import { listen } from "../../runtime/listen.ts";
import type { Route } from "../../runtime/scan.ts";
import { type FakeCloud, fakeCloud, SYSTEM_KEY, small } from "../support/fake-cloud.ts";

interface Line {
  level: number;
  msg: string;
  request_id?: string;
  path?: string;
  status?: number;
  err?: { message: string; stack: string };
  [field: string]: unknown;
}

const INFO = 30;
const WARN = 40;
const ERROR = 50;

/** What callers must not find in the log, each planted where it belongs. */
const PLANTED = {
  key: "planted-key-1f",
  wrongKey: "planted-wrong-key-2e",
  token: "planted.token-3d.x",
  userData: Buffer.from("planted user data 4c").toString("base64"),
  sshKey: "ssh-ed25519 planted-ssh-5b",
  metadata: "planted-metadata-6a",
  password: "planted-password-7f",
  signature: "planted-signature-8e",
  seed: "planted-seed-9d",
  argument: "planted-argument-0c",
};

const IMAGE = `https://user:${PLANTED.password}@images.example/disk.qcow2?signature=${PLANTED.signature}`;

const broken = (path: string, run: () => never): Route => ({
  ...{ method: "POST", path, file: "here" },
  definition: http({
    summary: "Break",
    access: "namespace",
    input: z.looseObject({}),
    run,
  }) as unknown as Route["definition"],
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe("trace", () => {
  let f: FakeCloud;
  const log: string[] = [];
  const lines = () => log.map((line) => JSON.parse(line) as Line);
  const lineOf = (path: string) => lines().findLast((line) => line.path === path && line.msg === "request");

  before(async () => {
    const routes = [
      broken("/bug", () => {
        throw new CloudError("internal", "it broke", { cause: new Error(`the cause, of ${IMAGE}`) });
      }),
      broken("/away", () => {
        throw new CloudError("unavailable", "libvirt: does not answer", { cause: new Error("the cause") });
      }),
      broken("/surprise", () => {
        throw new TypeError("a surprise");
      }),
    ];
    f = await fakeCloud({
      log: openLog("debug", {}, { write: (line) => void log.push(line) }),
      config: { AUTH_SECRET_SEED: PLANTED.seed, LOGLEVEL: "debug" },
      routes,
    });
  });
  after(() => f.close());

  it("a request: is one line that says who asked for what, and how it went", async () => {
    const count = log.length;
    const { headers } = await f.ask("GET", "/networks", undefined, "alice");
    assert.equal(log.length, count + 1);
    const { time, ms, ...line } = lines().at(-1) as Line;
    assert.match(String(time), /^\d{4}-.*Z$/);
    assert.equal(typeof ms, "number");
    const request_id = headers["X-Request-ID"];
    assert.deepEqual(line, {
      ...{ level: INFO, msg: "request", request_id, method: "GET", path: "/networks" },
      ...{ namespace: "alice", status: 200 },
    });
  });

  it("a request of nobody, and one that leads nowhere: are lines too", async () => {
    await f.ask("GET", "/", undefined, null);
    assert.deepEqual([lineOf("/")?.namespace, lineOf("/")?.status], [null, 200]);
    const { headers } = await f.ask("GET", "/nowhere", undefined, null);
    assert.deepEqual([lineOf("/nowhere")?.level, lineOf("/nowhere")?.status], [INFO, 404]);
    assert.equal(lineOf("/nowhere")?.request_id, headers["X-Request-ID"]);
    const path = `/${"x".repeat(5000)}`;
    await f.ask("GET", path);
    assert.equal(lineOf(path.slice(0, 500))?.status, 404);
  });

  const failures: [path: string, status: number, level: number, cause: RegExp][] = [
    ["/bug", 500, ERROR, /it broke[\s\S]*the cause/],
    ["/away", 503, WARN, /does not answer[\s\S]*the cause/],
    ["/surprise", 500, ERROR, /TypeError: a surprise/],
  ];
  for (const [path, status, level, cause] of failures) {
    it(`an error ${status} of ${path}: has the same id in body, header and line, and its cause in the line`, async () => {
      const answer = await f.ask("POST", path);
      const line = lineOf(path);
      assert.equal(answer.status, status);
      assert.deepEqual([line?.status, line?.level], [status, level]);
      assert.match(line?.err?.stack ?? "", cause);
      const { request_id } = answer.body as { request_id: string };
      assert.deepEqual([line?.request_id, answer.headers["X-Request-ID"]], [request_id, request_id]);
      assert.doesNotMatch(answer.text, /cause|surprise/);
    });
  }

  it("over a socket: the line has no query, and the id is a header", async () => {
    const port = await freePort();
    const config = { ...f.cloud.config, API_PORT: port, API_ADDRESS: "127.0.0.1" };
    const listener = await listen({ ...f.cloud, config }, f.dispatch);
    try {
      const { status, headers } = await fetch(`http://127.0.0.1:${port}/?token=${PLANTED.token}`);
      assert.equal(status, 200);
      assert.equal(lineOf("/")?.request_id, headers.get("X-Request-ID"));
      assert.match(String(lineOf("/")?.request_id), /^[0-9a-f-]{36}$/);
    } finally {
      listener.close();
    }
  });

  it("secrets: whatever is asked and however it ends, none is in the log or in an event (fault 10)", async () => {
    const body = { ...PLANTED, [PLANTED.argument]: PLANTED.metadata };
    for (const { method, path } of f.table.routes) {
      const at = path.replace(/\[\w+\]/g, "none");
      for (const given of [body, JSON.stringify(body).slice(0, -1), [PLANTED.key], PLANTED.key])
        await f.ask(method, at, given);
    }
    for (const path of ["/bug", "/away", "/surprise"]) await f.ask("POST", path, body);
    await f.dispatch(f.cloud, {
      ...{ method: "GET", path: "/instances", body: "", id: "1" },
      authorization: `Bearer ${PLANTED.token}`,
    });
    for (const key of [PLANTED.key, PLANTED.wrongKey, SYSTEM_KEY])
      await f.ask("POST", "/auth", { namespace: "system", key }, null);
    await f.call("POST", "/auth/namespaces", { namespace: "planted", key_name: "k", key: PLANTED.key });
    await f.call("PUT", "/auth/namespaces/planted/keys/k", { key: PLANTED.wrongKey });
    await f.call("POST", "/auth/namespaces/planted/metadata", { key: "note", value: PLANTED.metadata });
    const secretly = { ssh_key: PLANTED.sshKey, user_data: PLANTED.userData };
    await f.call("POST", "/instances", small(secretly));
    await f.call("POST", "/images", { url: IMAGE });
    for (const base of [IMAGE, IMAGE.replace("https", "ftp"), `cirros:${IMAGE}`])
      await f.call("POST", "/instances", small({ ...secretly, disk: [{ size: 8, base }] }));
    f.http.serve("https://images.example/else", {});
    await f.call("POST", "/instances", small({ ...secretly, disk: [{ size: 8, base: IMAGE }] }));
    await f.idle();
    const events = await f.call<{ object_uuid: string }[]>("GET", "/images/events", { url: IMAGE });
    assert.ok(events.length > 2);
    assert.equal(events[0]?.object_uuid, "https://images.example/disk.qcow2");
    await f.cloud.events.flush();
    const written = [...f.memory.keys.values()].filter(({ key }) => key.startsWith("/event/"));
    assert.ok(written.length > 20);
    const all = [...log, ...written.map(({ key, text }) => key + text)];
    const secrets = [...Object.values(PLANTED), SYSTEM_KEY, "a secret of the tests"];
    for (const secret of [...secrets, "Bearer "])
      assert.equal(
        all.find((each) => each.includes(secret)),
        undefined,
        secret,
      );
  });
});

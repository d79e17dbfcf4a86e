import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { it } from "node:test";
import { addressPolicy } from "#shared/ports/http/addresses.ts";
import { openFakeHttp } from "#shared/ports/http/fake.ts";
import { openHttp } from "#shared/ports/http/real.ts";
import { testHttp } from "./contract.ts";
import { openServer } from "./server.ts";

testHttp("http: fake", async () => {
  const http = openFakeHttp(["127.0.0.0/8"]);
  return {
    http,
    serve(path, answer) {
      const url = `http://127.0.0.1:81${path}`;
      http.serve(url, typeof answer === "function" ? (asked) => answer(asked) : answer);
      return url;
    },
    requests: () => http.requests,
    close: async () => {},
  };
});

testHttp("http: real", async () => {
  const server = await openServer();
  const http = openHttp({ allow: ["127.0.0.0/8"], user_agent: "test" });
  return { http, serve: server.serve, requests: () => server.asked, close: server.close };
});

const judge = (allow: readonly string[]) => {
  const isAllowed = addressPolicy(allow);
  return (address: string) => isAllowed({ host: address, port: 80, address }, []);
};

const limits = { max_bytes: 1000, timeout_ms: 5_000, idle_ms: 5_000 };

it("real download: refuses a name that leads to loopback, naming the setting (fault 8)", async () => {
  const server = await openServer();
  const http = openHttp({ allow: [], user_agent: "test" });
  const { port } = new URL(server.url);
  for (const host of ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
    await assert.rejects(http.download(`http://${host}:${port}/`, "/nonexistent/file", limits), {
      kind: "malformed",
      message: /internal address.*SHAKENFIST_IMAGE_URL_ALLOW/,
    });
  assert.equal(server.asked.length, 0);
  await server.close();
});

it("real download: reaches an allowed name and tells who it is", async () => {
  const server = await openServer();
  const http = openHttp({ allow: ["127.0.0.1"], user_agent: "Shaken Fist/1" });
  const url = server.serve("/x", {}).replace("127.0.0.1", "localhost");
  assert.equal((await http.head(url, limits)).status, 200);
  assert.equal(server.asked[0]?.headers["user-agent"], "Shaken Fist/1");
  await server.close();
});

it("real download: refused and garbled connections are unavailable, secrets in the URL stay out of the words", async () => {
  const server = createServer((socket) => socket.resume().end("SSH-2.0-OpenSSH\r\n")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const http = openHttp({ allow: ["127.0.0.0/8"], user_agent: "test" });
  const url = `http://user:secret@127.0.0.1:${port}/x?token=secret`;
  await assert.rejects(http.head(url, limits), { kind: "unreachable", message: /Parse Error/ });
  server.close();
  await once(server, "close");
  await assert.rejects(http.head(url, limits), (error: Error) => {
    assert.match(error.message, /^http:\/\/127\.0\.0\.1:\d+\/x: Connection refused$/);
    return true;
  });
});

it("address policy: only globally routable unicast passes without being allowed (fault 8)", () => {
  const isAllowed = judge([]);
  const outer = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"];
  const inner = [
    ...["0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255", "192.168.1.1"],
    ...[
      "192.0.0.1",
      "192.0.2.1",
      "198.18.0.1",
      "198.51.100.1",
      "203.0.113.1",
      "224.0.0.1",
      "255.255.255.255",
    ],
    ...[
      "::",
      "::1",
      "::ffff:8.8.8.8",
      "64:ff9b::a00:1",
      "fc00::1",
      "fd00::1",
      "fe80::1",
      "fec0::1",
      "ff02::1",
    ],
    ...["2001::1", "2001:db8::1", "2002:a00:1::1", "100::1"],
  ];
  for (const address of outer) assert.equal(isAllowed(address), true, address);
  for (const address of inner) assert.equal(isAllowed(address), false, address);
});

it("address policy: an allowed block passes, mapped into IPv6 too, and a garbled one is refused", () => {
  const isAllowed = judge(["10.1.0.0/16", "fd00::/8", "192.168.7.7"]);
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "192.168.7.7"])
    assert.equal(isAllowed(address), true, address);
  for (const address of ["10.2.0.1", "fe80::1", "192.168.7.8"])
    assert.equal(isAllowed(address), false, address);
  for (const block of ["10.0.0.0/33", "10.0.0.0/", "", "10.0.0.0/8/8", "10.0.0.0/-1", "10.0.0.0/x"])
    assert.throws(() => addressPolicy([block]), { kind: "malformed", message: /URL_ALLOW/ }, block);
});

it("address policy: an allowed name passes with whatever it leads to, an entry with a port at that port alone", () => {
  const isAllowed = addressPolicy(["Mirror.lan", "cache.lan:8080", "10.0.0.1:81", "[fd00::1]:82"]);
  const judged = (host: string, port: number, address: string) => isAllowed({ host, port, address }, []);
  assert.equal(judged("mirror.lan", 80, "10.9.9.9"), true);
  assert.equal(judged("mirror.lan.", 443, "127.0.0.1"), true);
  assert.equal(judged("a.mirror.lan", 80, "10.9.9.9"), false);
  assert.equal(judged("cache.lan", 8080, "10.9.9.9"), true);
  assert.equal(judged("cache.lan", 80, "10.9.9.9"), false);
  assert.equal(judged("10.0.0.1", 81, "10.0.0.1"), true);
  assert.equal(judged("10.0.0.1", 80, "10.0.0.1"), false);
  assert.equal(judged("fd00::1", 82, "fd00::1"), true);
  assert.equal(judged("fd00::1", 83, "fd00::1"), false);
  for (const entry of ["http://mirror.lan", "mirror.lan/images", "mirror.lan:99999", "a b", "*", "10.0.0"])
    assert.throws(() => addressPolicy([entry]), { kind: "malformed", message: /a host name/ }, entry);
});

it("address policy: the cloud's own addresses are internal wherever they lie, unless allowed", () => {
  const own = ["8.8.4.4", "2606:4700::1", "etcd.example.org"];
  const [isAllowed, allowing] = [addressPolicy([]), addressPolicy(["8.8.4.0/24"])];
  const at = (address: string) => ({ host: address, port: 80, address });
  for (const address of ["8.8.4.4", "2606:4700::1"])
    assert.equal(isAllowed(at(address), own), false, address);
  assert.equal(isAllowed(at("8.8.4.5"), own), true);
  assert.equal(allowing(at("8.8.4.4"), own), true);
});

it("real download: asks for the cloud's own addresses at each connection", async () => {
  const own: string[] = [];
  const http = openHttp({ allow: [], own: () => own, user_agent: "test" });
  own.push("192.88.100.1");
  await assert.rejects(http.head("http://192.88.100.1/", limits), {
    kind: "malformed",
    message: /internal address/,
  });
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ensureImage } from "#shared/images/cache.ts";
import { resolveSource } from "#shared/images/source.ts";
import type { ImageTools } from "#shared/images/tools.ts";
import { withChecksum } from "#shared/images/wish.ts";
import { type ImageBench, openBench, rawDisk } from "./bench.ts";

const cirrosIndex = ["0.3.0", "0.5.1", "0.10.2", "0.9.0"]
  .map((it) => `<a href="${it}/">${it}/</a>`)
  .join("\n");
const debianIndex = ["OpenStack", "bookworm", "bookworm-backports", "bullseye", "forky", "sid", "trixie"]
  .map((it) => `<a href="${it}/">${it}/</a>`)
  .join("\n");
const ubuntuIndex = `
<a href="bionic/">bionic/</a>  2023-06-07 11:06    -   Ubuntu Server 18.04 LTS (Bionic Beaver) daily builds
<a href="groovy/">groovy/</a>  2021-07-22 11:06    -   Ubuntu Server 20.10 (Groovy Gorilla) daily builds
<a href="focal/">focal/</a>    2023-06-07 11:06    -   Ubuntu Server 20.04 LTS (Focal Fossa) daily builds
<a href="future/">future/</a>  2023-06-07 11:06    -   Ubuntu Server 98.04 LTS (Future Fox) daily builds
`;

describe("image sources", () => {
  let bench: ImageBench;
  beforeEach(async () => {
    bench = await openBench((url) => ({
      DOWNLOAD_URL_CIRROS: `${url}/cirros/%(vernum)s/cirros-%(vernum)s-x86_64-disk.img`,
      DOWNLOAD_URL_UBUNTU: `${url}/%(vername)s/current/%(vername)s-server-cloudimg-amd64.img`,
      DOWNLOAD_URL_DEBIAN: `${url}/debian/%(vername)s/latest/debian-%(vernum)s-generic-amd64.qcow2`,
    }));
    bench.server.serve("/cirros/", { body: cirrosIndex });
    bench.server.serve("/", { body: ubuntuIndex });
    bench.server.serve("/debian/", { body: debianIndex });
  });
  afterEach(() => bench.close());

  const urlOf = async (text: string) =>
    (await resolveSource(bench.tools, text)).url.replace(bench.server.url, "");
  const at = (seconds: number): ImageTools => ({
    ...bench.tools,
    clock: { ...bench.tools.clock, now: () => Date.now() / 1000 + seconds },
  });

  it("resolveSource: a named version is not asked of the index", async () => {
    assert.equal(await urlOf("cirros:0.5.1"), "/cirros/0.5.1/cirros-0.5.1-x86_64-disk.img");
    assert.equal(await urlOf("ubuntu:18.04"), "/bionic/current/bionic-server-cloudimg-amd64.img");
    assert.equal(await urlOf("ubuntu:noble"), "/noble/current/noble-server-cloudimg-amd64.img");
    const bookworm = "/debian/bookworm/latest/debian-12-generic-amd64.qcow2";
    assert.deepEqual([await urlOf("debian:12"), await urlOf("debian:bookworm")], [bookworm, bookworm]);
    assert.equal(bench.server.asked.length, 0);
  });

  it("resolveSource: no version means the highest, and the newest LTS or stable that is out (fault 38)", async () => {
    assert.equal(await urlOf("cirros"), "/cirros/0.10.2/cirros-0.10.2-x86_64-disk.img");
    assert.equal(await urlOf("ubuntu"), "/focal/current/focal-server-cloudimg-amd64.img");
    assert.equal(await urlOf("debian"), "/debian/trixie/latest/debian-13-generic-amd64.qcow2");
  });

  it("resolveSource: the index is asked once an hour, and what it said last is used while it is away (fault 39)", async () => {
    await Promise.all(["cirros", "cirros", "cirros"].map(urlOf));
    await urlOf("cirros");
    assert.equal(bench.server.asked.length, 1);
    bench.server.serve("/cirros/", { status: 500 });
    for (let count = 0; count < 3; count++)
      assert.match((await resolveSource(at(4000), "cirros")).url, /0\.10\.2/);
    assert.equal(bench.server.asked.length, 2, "it is not asked again at once");
    bench.server.serve("/cirros/", { body: cirrosIndex.replace("0.10.2", "0.11.0") });
    assert.match((await resolveSource(at(4100), "cirros")).url, /0\.11\.0/);
  });

  it("resolveSource: a checksum behind the image is what it must be, and no part of its URL", async () => {
    const digest = "ab".repeat(32);
    for (const name of ["http://h/x?y=1", "debian:12", "cirros"]) {
      const plain = await resolveSource(bench.tools, name);
      const { checksum, ...rest } = await resolveSource(
        bench.tools,
        `${name}#SHA256:${digest.toUpperCase()}`,
      );
      assert.deepEqual(checksum, { algorithm: "sha256", digest });
      assert.deepEqual(rest, plain);
    }
    for (const fragment of ["part", "sha256:", "sha256:abc", `sha1:${"0".repeat(40)}`, `sha256:${digest}#x`])
      await assert.rejects(urlOf(`http://h/x#${fragment}`), { kind: "malformed", message: /^checksum '/ });
  });

  it("withChecksum: makes one text of an image and its checksum, which is given once", () => {
    const sum = `sha256:${"0".repeat(64)}`;
    assert.equal(withChecksum("debian:12", sum.toUpperCase()), `debian:12#${sum}`);
    for (const none of [null, undefined, ""]) assert.equal(withChecksum("debian", none), "debian");
    assert.throws(() => withChecksum(`debian#${sum}`, sum), {
      kind: "malformed",
      message: /has one already/,
    });
    assert.throws(() => withChecksum("debian", "abc"), { kind: "malformed", message: /^checksum 'abc': / });
  });

  it("resolveSource: an index that lists nothing is an error that says what to do", async () => {
    bench.server.serve("/cirros/", { body: "<html></html>" });
    await assert.rejects(urlOf("cirros"), {
      kind: "unreachable",
      message: /lists no version of cirros; name one/,
    });
  });

  it("resolveSource: a URL stays as it is, also one that begins like a shorthand", async () => {
    assert.equal((await resolveSource(bench.tools, "http://h/ubuntu?x=1")).url, "http://h/ubuntu?x=1");
    assert.equal(
      (await resolveSource(bench.tools, "https://cirros.example/")).url,
      "https://cirros.example/",
    );
  });

  it("resolveSource: anything else is refused (fault 38)", async () => {
    for (const text of [
      "cirros***",
      "cirros:",
      "cirros:../x",
      "cirros-thing",
      "ubuntu:99.99",
      "ubuntu:Focal",
      "ubuntu:a b",
      "ubuntu:__proto__",
      "debian:14",
      "debian:sid",
      "debian-12",
      "debian:12\n",
    ])
      await assert.rejects(urlOf(text), (error: { kind: string; message: string }) => {
        assert.equal(error.kind, "malformed");
        assert.ok(error.message.startsWith(`Cannot parse version: ${text} (understood are `), error.message);
        return true;
      });
    await assert.rejects(urlOf("debian:sarge"), {
      message:
        "Cannot parse version: debian:sarge (understood are debian, and debian: with 10 or buster, " +
        "11 or bullseye, 12 or bookworm, 13 or trixie)",
    });
  });

  it("ensureImage: MD5SUMS must vouch for ubuntu, may for cirros", async () => {
    const body = rawDisk();
    const md5 = createHash("md5").update(body).digest("hex");
    bench.server.serve("/cirros/1.0/cirros-1.0-x86_64-disk.img", { body });
    bench.server.serve("/focal/current/focal-server-cloudimg-amd64.img", { body, headers: { etag: '"1"' } });
    const sums = (sum: string) =>
      bench.server.serve("/focal/current/MD5SUMS", { body: `${sum} *focal-server-cloudimg-amd64.img\n` });
    await bench.ensure("cirros:1.0");
    await assert.rejects(bench.ensure("ubuntu:focal"), {
      message: /no checksum of .* in SHA256SUMS, MD5SUMS$/,
    });
    sums("0".repeat(32));
    await assert.rejects(bench.ensure("ubuntu:focal"), { kind: "malformed", message: /its MD5 is/ });
    sums(md5);
    await assert.rejects(bench.ensure("ubuntu:focal"), { message: /its server still offers the same/ });
    const { record } = await ensureImage(at(400), "ubuntu:focal", { record: () => {} });
    assert.equal(record.checksum, md5);
  });
});

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { isKind } from "#shared/errors.ts";
import { probeImage } from "#shared/images/probe.ts";
import { type Good, goodImages, hostileHeaders } from "./hostile-headers.ts";
import { openWorkBench, type WorkBench } from "./work-bench.ts";

const kinds = Object.keys(goodImages) as Good[];
const limits = { max_virtual_bytes: 2 ** 41 };

describe("hostile headers", () => {
  let bench: WorkBench;
  const good = new Map<Good, Buffer>();
  before(async () => {
    bench = await openWorkBench();
    for (const kind of kinds) {
      const [format, ...options] = goodImages[kind];
      good.set(kind, await bench.create(format, "4M", ...options));
    }
  });
  after(() => bench.close());
  const copyOf = (kind: Good): Buffer => Buffer.from(good.get(kind) ?? "");

  it("prepareImage: the images that they are made of are good", async () => {
    for (const kind of kinds) await bench.prepare(copyOf(kind));
  });

  for (const kind of kinds)
    it(`prepareImage: ${kind}: each hostile header is refused with its reason, before any program runs`, async () => {
      const wrong: string[] = [];
      for (const { name, change, why } of hostileHeaders.filter(({ of }) => of === kind)) {
        const image = copyOf(kind);
        const changed = change(image);
        const told = await bench.prepare(Buffer.isBuffer(changed) ? changed : image).then(
          () => "accepted",
          (error) => (isKind(error, "malformed", "too_large") ? error.message : String(error.stack)),
        );
        if (!why.test(told) || bench.runs.length > 0) wrong.push(`${name}: ${told} ${bench.runs}`);
      }
      assert.deepEqual(wrong, []);
    });

  it("the table: has more than a hundred rows", () => {
    assert.ok(hostileHeaders.length > 250, String(hostileHeaders.length));
  });

  it("probeImage: any bytes changed in any header: an answer or a reason, nothing else", async () => {
    const change = fc.record({ at: fc.nat(2048), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) });
    const cases = fc.record({
      kind: fc.constantFrom(...kinds),
      where: fc.constantFrom(0, 65_536, 131_072, 196_608, 2 ** 20, 2 ** 21),
      changes: fc.array(change, { minLength: 1, maxLength: 4 }),
      length: fc.option(fc.nat(5 * 2 ** 20), { freq: 3 }),
    });
    const file = bench.path("changed");
    const property = fc.asyncProperty(cases, async ({ kind, where, changes, length }) => {
      const image = copyOf(kind);
      for (const { at, bytes } of changes)
        image.set(
          bytes.subarray(0, Math.max(0, image.length - where - at)),
          Math.min(image.length, where + at),
        );
      await writeFile(file, image.subarray(0, length ?? image.length));
      await probeImage(file, limits).catch((error) => {
        if (!isKind(error, "malformed", "too_large")) throw error;
      });
    });
    await fc.assert(property, { seed: 5, numRuns: 300 });
  });

  it("prepareImage: bytes changed in good headers, with the programs run: a clean image or a reason", async () => {
    const seeds = fc.record({
      kind: fc.constantFrom(...kinds),
      at: fc.nat(16_384),
      value: fc.uint8Array({ minLength: 1, maxLength: 4 }),
    });
    for (const { kind, at, value } of fc.sample(seeds, { seed: 7, numRuns: 40 })) {
      const image = copyOf(kind);
      image.set(value, Math.min(at, image.length - 4));
      const prepared = await bench.prepare(image).catch((error) => {
        if (!isKind(error, "malformed", "too_large")) throw error;
      });
      if (prepared !== undefined) assert.ok(prepared.virtual_size_bytes <= limits.max_virtual_bytes);
    }
  });
});

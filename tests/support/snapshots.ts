// Instances of a fake cloud whose snapshots a test takes and looks at.
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Event, Instance, Snapshot } from "#shared/api/types.ts";
import { eventually } from "./await.ts";
import { type FakeCloud, type FakeCloudOptions, fakeCloud, small } from "./fake-cloud.ts";

export async function openSnapshots(
  t: TestContext,
  more: Record<string, unknown> = {},
  options: FakeCloudOptions = {},
) {
  const f = await fakeCloud(options);
  t.after(() => f.close());
  const { uuid } = await f.call<Instance>("POST", "/instances", small(more), "alice");
  const path = `/instances/${uuid}/snapshot`;
  return {
    ...{ f, uuid, path, files: join(f.cloud.config.STORAGE_PATH, "snapshots") },
    take: (body?: unknown) => f.call<string>("POST", path, body, "alice"),
    list: () => f.call<Snapshot[]>("GET", path, undefined, "alice"),
    powerOff: () => f.call("POST", `/instances/${uuid}/poweroff`, undefined, "alice"),
    /** The answer, which may be an error, and what an event of its failure says. */
    async refused() {
      const { status, body } = await f.ask("POST", path, undefined, "alice");
      const events = await f.call<Event[]>("GET", `/instances/${uuid}/events`);
      const failed = events.filter(({ operation, phase }) => operation === "snapshot" && phase === "failed");
      return [status, (body as { error: string }).error, failed.at(-1)?.message?.slice(38)];
    },
    power: async () => (await f.hypervisor.getDomain(uuid))?.power,
  };
}

export type Opened = Awaited<ReturnType<typeof openSnapshots>>;

/** Of a snapshot under way, once its files are begun. */
export const begun = (o: Opened) =>
  eventually("a snapshot begins", 5000, async () => {
    const [row] = await o.list();
    return row !== undefined && existsSync(join(o.files, row.uuid, `${row.device}.tmp`)) ? row : undefined;
  });

export const nothingLeft = (o: Opened) =>
  eventually("nothing is left", 5000, async () => {
    const records = [...o.f.everything().keys()].filter((key) => key.startsWith("snapshot/"));
    return (records.length === 0 && (await filesIn(o.files)).length === 0) || undefined;
  });

export const filesIn = (directory: string) => readdir(directory, { recursive: true });

export const schedule = async (f: FakeCloud, name: string) => {
  const found = f.table.schedules.find((each) => each.name === name) ?? assert.fail();
  await found.definition.run({ cloud: f.cloud, signal: new AbortController().signal });
};
